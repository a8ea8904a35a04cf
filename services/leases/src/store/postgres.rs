//! PostgreSQL: for several replicas.

use super::database::{Database, Dialect, Failed, Held, Row, Statement, Value};
use bytes::BytesMut;
use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::ClientConfig;

/// Batches at a time.
const CONNECTIONS: usize = 8;
/// A server that takes longer than that to let us in is not there.
const CONNECT: Duration = Duration::from_secs(10);
/// A batch takes milliseconds. A server that is silent for so long is gone, and nobody is left there to say so.
const ANSWER: Duration = Duration::from_secs(30);
/// A transaction that met another one is tried again.
const TRIES: usize = 5;

/// A server.
pub(crate) struct Postgres {
    config: Config,
    tls: Option<Arc<ClientConfig>>,
    idle: Arc<Mutex<Vec<Session>>>,
    places: Semaphore,
}

/// One connection and the statements that it knows.
struct Session {
    client: Client,
    prepared: HashMap<String, tokio_postgres::Statement>,
}

impl Postgres {
    /// For a `postgresql://` address. `tls` is what trusts its certificate; none where it cannot be asked for.
    pub(crate) fn new(address: &str, tls: Option<Arc<ClientConfig>>) -> Result<Self, String> {
        // The error may quote the address, and with it the password.
        let mut config: Config = address
            .parse()
            .map_err(|_| "the database's address is no postgresql://USER@HOST/NAME".to_owned())?;
        config.connect_timeout(CONNECT).application_name("entrakey leases");
        check_way(&config)?;
        Ok(Self { config, tls, idle: Arc::default(), places: Semaphore::new(CONNECTIONS) })
    }

    async fn session(&self) -> Result<Session, Failed> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        while let Some(session) = idle() {
            if !session.client.is_closed() {
                return Ok(session);
            }
        }
        let failed =
            |error: tokio_postgres::Error| Failed::Broken(format!("PostgreSQL: {}", sentence(&error)));
        let client = match &self.tls {
            Some(tls) => {
                let connector = MakeRustlsConnect::new(tls.as_ref().clone());
                let (client, connection) = self.config.connect(connector).await.map_err(failed)?;
                tokio::spawn(async move { drop(connection.await) }); // its end is seen by the client
                client
            }
            None => {
                let (client, connection) = self.config.connect(NoTls).await.map_err(failed)?;
                tokio::spawn(async move { drop(connection.await) });
                client
            }
        };
        Ok(Session { client, prepared: HashMap::new() })
    }

    fn give_back(&self, session: Session) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
    }

    async fn once(&self, batch: &[Statement]) -> Result<Vec<Vec<Row>>, Trouble> {
        let mut session = self.session().await?;
        let outcome = session.run(batch).await;
        if !session.client.is_closed() && !matches!(outcome, Err(Trouble { is_lost: true, .. })) {
            self.give_back(session);
        }
        outcome
    }
}

fn silent() -> Failed {
    Failed::Broken(format!("PostgreSQL does not answer within {} s", ANSWER.as_secs()))
}

/// The password and all rows go over it.
fn check_way(config: &Config) -> Result<(), String> {
    use tokio_postgres::config::{Host, SslMode};
    let is_near = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
        }
    };
    match config.get_hosts().iter().all(is_near) || config.get_ssl_mode() == SslMode::Require {
        true => Ok(()),
        false => Err(
            "the database is on another machine, and without TLS everybody on the way could read along: add \
                      sslmode=require to its address"
                .to_owned(),
        ),
    }
}

/// Why a batch failed, and whether it may be tried again.
struct Trouble {
    failed: Failed,
    is_passing: bool,
    is_lost: bool,
}

impl From<Failed> for Trouble {
    fn from(failed: Failed) -> Self {
        Self { failed, is_passing: false, is_lost: false }
    }
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Self {
        let code = error.code();
        let is_passing = code.is_some_and(|code| {
            [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code)
        });
        let failed = match code {
            Some(code) if *code == SqlState::UNIQUE_VIOLATION => Failed::Duplicate,
            _ => Failed::Broken(format!("PostgreSQL: {}", sentence(&error))),
        };
        Self { failed, is_passing, is_lost: code.is_none() }
    }
}

fn sentence(error: &tokio_postgres::Error) -> String {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

impl Session {
    async fn run(&mut self, batch: &[Statement]) -> Result<Vec<Vec<Row>>, Trouble> {
        let mut statements = Vec::new();
        for statement in batch {
            if !self.prepared.contains_key(&statement.sql) && !statement.sql.starts_with("CREATE") {
                let prepared = self.client.prepare(&statement.sql).await?;
                self.prepared.insert(statement.sql.clone(), prepared);
            }
            statements.push(self.prepared.get(&statement.sql).cloned());
        }
        let transaction = self.client.transaction().await?;
        let mut all = Vec::new();
        for (at, (statement, prepared)) in batch.iter().zip(statements).enumerate() {
            let Some(prepared) = prepared else {
                transaction.batch_execute(&statement.sql).await?;
                all.push(Vec::new());
                continue;
            };
            let values: Vec<&(dyn ToSql + Sync)> =
                statement.values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
            let (rows, changed) = if prepared.columns().is_empty() {
                (Vec::new(), transaction.execute(&prepared, &values).await?)
            } else {
                let rows = transaction.query(&prepared, &values).await?;
                let changed = u64::try_from(rows.len()).unwrap_or(u64::MAX);
                (rows.iter().map(read).collect::<Result<_, _>>()?, changed)
            };
            if statement.must_change.is_some_and(|must| must != changed) {
                transaction.rollback().await?;
                return Err(Failed::Unchanged(at).into());
            }
            all.push(rows);
        }
        transaction.commit().await?;
        Ok(all)
    }
}

fn read(row: &tokio_postgres::Row) -> Result<Row, Trouble> {
    let value = |(at, column): (usize, &tokio_postgres::Column)| match *column.type_() {
        Type::INT8 => row.try_get::<_, Option<i64>>(at).map(Value::from),
        Type::TEXT => row.try_get::<_, Option<&str>>(at).map(Value::from),
        _ => Ok(Value::Null), // there are no other columns
    };
    Ok(row.columns().iter().enumerate().map(value).collect::<Result<_, _>>()?)
}

impl ToSql for Value {
    fn to_sql(&self, as_type: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(number) => number.to_sql(as_type, out),
            // PostgreSQL's texts have no NUL: what is looked for by one is found nowhere.
            Self::Text(text) => text.replace('\0', "\u{fffd}").to_sql(as_type, out),
        }
    }

    fn accepts(as_type: &Type) -> bool {
        [Type::INT8, Type::TEXT].contains(as_type)
    }

    to_sql_checked!();
}

/// An advisory lock of a session's. The session ends with it: a lock that nobody can give back would stay for ever.
struct Locked {
    session: Option<Session>,
    name: String,
    idle: Arc<Mutex<Vec<Session>>>,
}

impl Held for Locked {}

impl Drop for Locked {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else { return };
        let (name, idle) = (std::mem::take(&mut self.name), self.idle.clone());
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let unlocked = session.client.query_one(UNLOCK, &[&name]).await;
            if unlocked.is_ok_and(|row| row.try_get(0).unwrap_or(false)) {
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
            }
        });
    }
}

const LOCK: &str = "SELECT pg_advisory_lock(hashtextextended($1, 0))";
const UNLOCK: &str = "SELECT pg_advisory_unlock(hashtextextended($1, 0))";

#[async_trait::async_trait]
impl Database for Postgres {
    fn dialect(&self) -> Dialect {
        Dialect {
            skip_locked: "FOR UPDATE SKIP LOCKED",
            serial: "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
            queue: Some("SELECT CAST(pg_advisory_xact_lock(hashtextextended($1, 1)) AS TEXT)"),
        }
    }

    async fn run(&self, batch: Vec<Statement>) -> Result<Vec<Vec<Row>>, Failed> {
        let _place = self.places.acquire().await.map_err(|error| Failed::Broken(error.to_string()))?;
        let mut tries = TRIES;
        loop {
            tries -= 1;
            match timeout(ANSWER, self.once(&batch)).await.map_err(|_| silent())? {
                Err(trouble) if trouble.is_passing && tries > 0 => {}
                Err(trouble) => return Err(trouble.failed),
                Ok(rows) => return Ok(rows),
            }
        }
    }

    async fn hold(&self, name: &str) -> Result<Box<dyn Held>, Failed> {
        let session = timeout(ANSWER, self.session()).await.map_err(|_| silent())??;
        let locked = session.client.query(LOCK, &[&name]).await;
        locked.map_err(|error| Failed::Broken(format!("PostgreSQL: {}", sentence(&error))))?;
        Ok(Box::new(Locked { session: Some(session), name: name.to_owned(), idle: self.idle.clone() }))
    }

    fn is_alone(&self) -> bool {
        false
    }
}
