//! The journal: leases, what was done with them, and who may come. Each step is a commit of its own, with its row of the
//! audit trail in the same transaction.

mod database;
mod old;
mod postgres;
mod schema;
mod sqlite;
#[cfg(test)]
mod tests;

use crate::access::{Caller, Grant};
use crate::lease::{Kind, Lease, State};
use crate::names::hash;
pub(crate) use old::Forgotten;

use database::{Database, Failed, Held, Row, Statement, Value};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use tokio_rustls::rustls::ClientConfig;

/// Where leases are kept.
#[derive(Clone)]
pub struct Store {
    database: Arc<dyn Database>,
}

/// Which database.
#[derive(Clone)]
pub enum Place {
    /// A file of SQLite's.
    File(PathBuf),
    /// None that stays.
    Memory,
    /// `postgresql://…`, and what judges its certificate.
    Server(zeroize::Zeroizing<String>, Option<Arc<ClientConfig>>),
}

/// What somebody did with a lease.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Its number: later ones are higher.
    pub number: i64,
    /// When.
    pub at_ms: i64,
    /// What.
    pub event: String,
    /// Who.
    pub actor: String,
    /// With which lease.
    pub lease: Option<String>,
    /// Of which secret.
    pub secret: Option<String>,
    /// What Azure calls it.
    pub key_id: Option<String>,
    /// Azure's id of the request, by which its support finds it.
    pub request_id: Option<String>,
    /// More of it.
    pub detail: Option<String>,
}

/// A bearer token, without the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub grant: Grant,
    /// Since when.
    pub created_ms: i64,
    /// Until when, if it ends.
    pub expires_ms: Option<i64>,
}

/// Why a lease could not be noted.
#[derive(Debug)]
pub enum NotBegun {
    /// There are as many as there may be.
    TooMany,
    /// Its maker has used that key before.
    Repeated(Box<Lease>),
    /// Somebody has the only one that there may be.
    Taken,
    /// The database does not work.
    Broken(String),
}

/// What somebody works on from now.
#[derive(Debug)]
pub struct Claimed {
    /// They are its.
    pub leases: Vec<Lease>,
    /// Ids of those whose rows nobody can read.
    pub unreadable: Vec<String>,
}

/// A lease that lives, of something of which there can be one at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What it is called.
    pub id: String,
    /// Of which secret.
    pub secret: String,
    /// Who made it.
    pub holder: String,
    /// Of whom.
    pub target: String,
    /// What the user signs in as, if it is one's.
    pub user_name: Option<String>,
    /// Until when.
    pub expires_ms: i64,
}

/// Which leases. All that are given must fit.
#[derive(Clone, Debug, Default)]
pub struct LeaseFilter {
    /// Of one of these secrets, or the holder's own.
    pub visible: Option<(BTreeSet<String>, String)>,
    /// Of that secret.
    pub secret: Option<String>,
    /// In that state; `living` for all that are not over.
    pub state: Option<String>,
    /// After that one in the list, by its time and its id.
    pub after: Option<(i64, String)>,
}

/// Which rows of the audit trail. All that are given must fit.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Of one of these secrets.
    pub visible: Option<BTreeSet<String>>,
    /// Of that lease.
    pub lease: Option<String>,
    /// Of that secret.
    pub secret: Option<String>,
    /// By that one.
    pub actor: Option<String>,
    /// That deed.
    pub event: Option<String>,
    /// Not older.
    pub since_ms: Option<i64>,
    /// Older than the row of that number.
    pub before: Option<i64>,
}

const COLUMNS: &str = "id, secret, kind, target, holder, state, created_ms, ttl_ms, expires_ms, max_expires_ms, due_ms, \
     display_name, key_id, reason, last_error, attempts, misses, owner, claimed_until_ms, version, idempotency, \
     tenant, user_name";
const AUDIT_COLUMNS: &str = "number, at_ms, event, actor, lease, secret, key_id, request_id, detail";

impl Store {
    /// Opens it and brings its tables to this version's. `serves`: for a service, which has a file for itself.
    ///
    /// # Errors
    /// A sentence.
    pub async fn open(place: Place, serves: bool) -> Result<Self, String> {
        let database: Arc<dyn Database> = match place {
            Place::File(path) => Arc::new(sqlite::Sqlite::open(&path, serves)?),
            Place::Memory => Arc::new(sqlite::Sqlite::in_memory()?),
            Place::Server(address, tls) => Arc::new(postgres::Postgres::new(&address, tls)?),
        };
        let store = Self { database };
        schema::migrate(store.database.as_ref()).await.map_err(|failed| failed.to_string())?;
        if store.database.is_alone() {
            store.forget_owners().await?;
        }
        Ok(store)
    }

    /// Whoever worked on something is gone.
    pub(crate) async fn forget_owners(&self) -> Result<(), String> {
        let sql = "UPDATE leases SET owner = NULL, claimed_until_ms = 0 WHERE owner IS NOT NULL";
        self.run(vec![Statement::new(sql, vec![])]).await.map(drop)
    }

    #[cfg(test)]
    pub(crate) async fn execute(&self, sql: &str) {
        self.run(vec![Statement::new(sql, vec![])]).await.unwrap();
    }

    /// Whether no other process changes anything.
    pub(crate) fn is_alone(&self) -> bool {
        self.database.is_alone()
    }

    async fn run(&self, batch: Vec<Statement>) -> Result<Vec<Vec<Row>>, String> {
        self.database.run(batch).await.map_err(|failed| failed.to_string())
    }

    /// Notes that a lease is about to be made. `most` of its secret may live.
    ///
    /// # Errors
    /// Why not; nothing is noted then.
    pub async fn begin(&self, lease: &Lease, most: u32, entry: &Entry) -> Result<(), NotBegun> {
        let mut batch = Vec::new();
        if let Some(queue) = self.database.dialect().queue {
            batch.push(Statement::new(queue, vec![lease.secret.as_str().into()])); // counting and inserting are one
        }
        let counted = batch.len();
        let mut values = values(lease);
        let places = (0..values.len()).map(|at| format!("CAST(${} AS {})", at + 1, column_type(at)));
        let places = places.collect::<Vec<_>>().join(", ");
        values.push(i64::from(most).into());
        let sql = format!(
            "INSERT INTO leases ({COLUMNS}) SELECT {places} WHERE \
             (SELECT count(*) FROM leases WHERE secret = $2 AND due_ms IS NOT NULL) < ${}",
            values.len()
        );
        batch.push(Statement::new(sql, values).changes_one());
        batch.push(audit(entry));
        match self.database.run(batch).await {
            Ok(_) => Ok(()),
            Err(Failed::Unchanged(at)) if at == counted => match self.repeated(lease).await {
                Some(known) => Err(NotBegun::Repeated(Box::new(known))),
                None => Err(NotBegun::TooMany),
            },
            Err(Failed::Duplicate) => match self.repeated(lease).await {
                Some(known) => Err(NotBegun::Repeated(Box::new(known))),
                None => Err(NotBegun::Taken),
            },
            Err(failed) => Err(NotBegun::Broken(failed.to_string())),
        }
    }

    /// The lease that the same maker has made with the same key.
    async fn repeated(&self, lease: &Lease) -> Option<Lease> {
        let key = lease.idempotency.as_deref()?;
        let sql = format!("SELECT {COLUMNS} FROM leases WHERE holder = $1 AND idempotency = $2");
        self.one(&sql, vec![lease.holder.as_str().into(), key.into()]).await.ok().flatten()
    }

    /// Keeps a lease as it is now, if nobody has changed it since it was read, and what was done with it.
    ///
    /// # Errors
    /// `None`: somebody has; a sentence: the database does not work.
    pub async fn save(&self, lease: &mut Lease, entry: Option<&Entry>) -> Result<(), Option<String>> {
        let sql = "UPDATE leases SET state = $1, ttl_ms = $2, expires_ms = $3, due_ms = $4, key_id = $5, reason = $6, \
                   last_error = $7, attempts = $8, misses = $9, owner = $10, claimed_until_ms = $11, version = version + 1 \
                   WHERE id = $12 AND version = $13";
        let values = vec![
            lease.state.name().into(),
            lease.ttl_ms.into(),
            lease.expires_ms.into(),
            lease.due_ms.into(),
            lease.key_id.as_deref().into(),
            lease.reason.as_deref().into(),
            lease.last_error.as_deref().into(),
            lease.attempts.into(),
            lease.misses.into(),
            lease.owner.as_deref().into(),
            lease.claimed_until_ms.into(),
            lease.id.as_str().into(),
            lease.version.into(),
        ];
        let mut batch = vec![Statement::new(sql, values).changes_one()];
        batch.extend(entry.map(audit));
        match self.database.run(batch).await {
            Ok(_) => {
                lease.version += 1;
                Ok(())
            }
            Err(Failed::Unchanged(_)) => Err(None),
            Err(failed) => Err(Some(failed.to_string())),
        }
    }

    /// Leases that are due and that nobody works on, which are the caller's until that time.
    ///
    /// # Errors
    /// The database does not work.
    pub async fn claim(&self, owner: &str, now_ms: i64, until_ms: i64, most: i64) -> Result<Claimed, String> {
        let sql = format!(
            "UPDATE leases SET owner = $1, claimed_until_ms = $2, version = version + 1 WHERE id IN (SELECT id FROM leases \
             WHERE due_ms <= $3 AND claimed_until_ms <= $3 ORDER BY due_ms LIMIT $4 {}) RETURNING {COLUMNS}",
            self.database.dialect().skip_locked
        );
        let values = vec![owner.into(), until_ms.into(), now_ms.into(), most.into()];
        let rows: Vec<Row> =
            self.run(vec![Statement::new(sql, values)]).await?.into_iter().flatten().collect();
        let is_unreadable = |row: &&Row| read_lease(row).is_none();
        let unreadable =
            rows.iter().filter(is_unreadable).filter_map(|row| row.first().and_then(text)).collect();
        Ok(Claimed { leases: rows.iter().filter_map(|row| read_lease(row)).collect(), unreadable })
    }

    /// Leases that are due and that nobody works on, as they are: nothing is written.
    ///
    /// # Errors
    /// The database does not work.
    pub async fn due(&self, now_ms: i64) -> Result<Vec<Lease>, String> {
        let sql = format!(
            "SELECT {COLUMNS} FROM leases WHERE due_ms <= $1 AND claimed_until_ms <= $1 ORDER BY due_ms"
        );
        let rows = self.run(vec![Statement::new(sql, vec![now_ms.into()])]).await?;
        Ok(rows.iter().flatten().filter_map(|row| read_lease(row)).collect())
    }

    /// When something is due next.
    ///
    /// # Errors
    /// The database does not work.
    pub async fn next_due(&self) -> Result<Option<i64>, String> {
        let sql = "SELECT MIN(CASE WHEN claimed_until_ms > due_ms THEN claimed_until_ms ELSE due_ms END) FROM leases \
                   WHERE due_ms IS NOT NULL";
        let rows = self.run(vec![Statement::new(sql, vec![])]).await?;
        Ok(rows.first().and_then(|rows| rows.first()).and_then(|row| row.first()).and_then(integer))
    }

    /// One lease.
    ///
    /// # Errors
    /// The database does not work.
    pub async fn lease(&self, id: &str) -> Result<Option<Lease>, String> {
        self.one(&format!("SELECT {COLUMNS} FROM leases WHERE id = $1"), vec![id.into()]).await
    }

    /// The lease whose key is called so at Azure.
    ///
    /// # Errors
    /// The database does not work.
    pub async fn by_display_name(&self, name: &str) -> Result<Option<Lease>, String> {
        self.one(&format!("SELECT {COLUMNS} FROM leases WHERE display_name = $1"), vec![name.into()]).await
    }

    /// The newest lease with what Azure calls so.
    ///
    /// # Errors
    /// The database does not work.
    pub async fn by_key_id(&self, key: &str) -> Result<Option<Lease>, String> {
        let sql = format!("SELECT {COLUMNS} FROM leases WHERE key_id = $1 ORDER BY created_ms DESC LIMIT 1");
        self.one(&sql, vec![key.into()]).await
    }

    /// When the newest lease of a secret was made.
    ///
    /// # Errors
    /// The database does not work.
    pub async fn newest(&self, secret: &str) -> Result<Option<i64>, String> {
        let sql = "SELECT MAX(created_ms) FROM leases WHERE secret = $1";
        let rows = self.run(vec![Statement::new(sql, vec![secret.into()])]).await?;
        Ok(rows.first().and_then(|rows| rows.first()).and_then(|row| row.first()).and_then(integer))
    }

    /// Leases, the newest first.
    ///
    /// # Errors
    /// The database does not work.
    pub async fn leases(&self, filter: &LeaseFilter, most: i64) -> Result<Vec<Lease>, String> {
        let mut conditions = Conditions::default();
        if let Some((secrets, holder)) = &filter.visible {
            let listed: Vec<_> = secrets.iter().map(|name| conditions.value(name.as_str().into())).collect();
            let own = conditions.value(holder.as_str().into());
            conditions.add(match listed.is_empty() {
                true => format!("holder = {own}"),
                false => format!("(holder = {own} OR secret IN ({}))", listed.join(", ")),
            });
        }
        conditions.equals("secret", filter.secret.as_deref());
        match filter.state.as_deref() {
            Some("living") => conditions.add("due_ms IS NOT NULL".to_owned()),
            state => conditions.equals("state", state),
        }
        if let Some((created, id)) = &filter.after {
            let (created, id) = (conditions.value((*created).into()), conditions.value(id.as_str().into()));
            conditions.add(format!("(created_ms < {created} OR (created_ms = {created} AND id < {id}))"));
        }
        let (clause, values) = conditions.ended(most, "created_ms DESC, id DESC");
        let rows =
            self.run(vec![Statement::new(format!("SELECT {COLUMNS} FROM leases{clause}"), values)]).await?;
        // One that cannot be read keeps nobody from the others: whoever claims it says so.
        Ok(rows.iter().flatten().filter_map(|row| read_lease(row)).collect())
    }

    /// How many of a secret live.
    ///
    /// # Errors
    /// The database does not work.
    pub async fn living(&self, secret: &str) -> Result<i64, String> {
        let sql = "SELECT count(*) FROM leases WHERE secret = $1 AND due_ms IS NOT NULL";
        let rows = self.run(vec![Statement::new(sql, vec![secret.into()])]).await?;
        Ok(rows
            .first()
            .and_then(|rows| rows.first())
            .and_then(|row| row.first())
            .and_then(integer)
            .unwrap_or(0))
    }

    /// Of whom leases of a kind live.
    ///
    /// # Errors
    /// The database does not work.
    pub async fn taken(&self, kind: Kind) -> Result<Vec<Taken>, String> {
        let sql = "SELECT id, secret, holder, target, user_name, expires_ms FROM leases \
                   WHERE due_ms IS NOT NULL AND kind = $1";
        let rows = self.run(vec![Statement::new(sql, vec![kind.name().into()])]).await?;
        let read = |row: Row| match row.as_slice() {
            [id, secret, holder, target, user_name, end] => Some(Taken {
                id: text(id)?,
                secret: text(secret)?,
                holder: text(holder)?,
                target: text(target)?,
                user_name: text(user_name),
                expires_ms: integer(end)?,
            }),
            _ => None,
        };
        Ok(rows.into_iter().flatten().filter_map(read).collect())
    }

    /// The audit trail, the newest first.
    ///
    /// # Errors
    /// The database does not work.
    pub async fn audit(&self, filter: &AuditFilter, most: i64) -> Result<Vec<Entry>, String> {
        let mut conditions = Conditions::default();
        if let Some(secrets) = &filter.visible {
            let listed: Vec<_> = secrets.iter().map(|name| conditions.value(name.as_str().into())).collect();
            conditions.add(match listed.is_empty() {
                true => "1 = 0".to_owned(),
                false => format!("secret IN ({})", listed.join(", ")),
            });
        }
        conditions.equals("lease", filter.lease.as_deref());
        conditions.equals("secret", filter.secret.as_deref());
        conditions.equals("actor", filter.actor.as_deref());
        conditions.equals("event", filter.event.as_deref());
        for (column, bound) in [("at_ms >=", filter.since_ms), ("number <", filter.before)] {
            if let Some(bound) = bound {
                let place = conditions.value(bound.into());
                conditions.add(format!("{column} {place}"));
            }
        }
        let (clause, values) = conditions.ended(most, "number DESC");
        let rows = self
            .run(vec![Statement::new(format!("SELECT {AUDIT_COLUMNS} FROM audit{clause}"), values)])
            .await?;
        Ok(rows.into_iter().flatten().filter_map(|row| read_entry(&row)).collect())
    }

    /// Notes something that is no step of a lease's.
    ///
    /// # Errors
    /// The database does not work.
    pub async fn note(&self, entry: &Entry) -> Result<(), String> {
        self.run(vec![audit(entry)]).await.map(drop)
    }

    /// Keeps a token's hash, and who made it.
    ///
    /// # Errors
    /// A sentence: one is called so already, or the database does not work.
    pub async fn add_token(&self, token: &str, row: &TokenRow, entry: &Entry) -> Result<(), String> {
        let sql = "INSERT INTO tokens (name, hash, secrets, roles, created_ms, expires_ms) VALUES ($1, $2, $3, $4, $5, $6)";
        let joined = |words: &mut dyn Iterator<Item = &str>| words.collect::<Vec<_>>().join(" ");
        let values = vec![
            row.name.as_str().into(),
            hash(token).as_str().into(),
            joined(&mut row.grant.secrets.iter().map(String::as_str)).as_str().into(),
            joined(&mut row.grant.roles.iter().map(|role| role.name())).as_str().into(),
            row.created_ms.into(),
            row.expires_ms.into(),
        ];
        match self.database.run(vec![Statement::new(sql, values).changes_one(), audit(entry)]).await {
            Ok(_) => Ok(()),
            Err(Failed::Duplicate) => {
                Err(format!("there is a token \"{}\": choose another name, or revoke that one", row.name))
            }
            Err(failed) => Err(failed.to_string()),
        }
    }

    /// Takes a token back. Whether there was one.
    ///
    /// # Errors
    /// The database does not work.
    pub async fn remove_token(&self, name: &str, entry: &Entry) -> Result<bool, String> {
        let remove = Statement::new("DELETE FROM tokens WHERE name = $1", vec![name.into()]).changes_one();
        match self.database.run(vec![remove, audit(entry)]).await {
            Ok(_) => Ok(true),
            Err(Failed::Unchanged(_)) => Ok(false),
            Err(failed) => Err(failed.to_string()),
        }
    }

    /// All tokens, by name.
    ///
    /// # Errors
    /// The database does not work.
    pub async fn tokens(&self) -> Result<Vec<TokenRow>, String> {
        let sql = "SELECT name, secrets, roles, created_ms, expires_ms FROM tokens ORDER BY name";
        let rows = self.run(vec![Statement::new(sql, vec![])]).await?;
        Ok(rows.into_iter().flatten().filter_map(|row| read_token(&row)).collect())
    }

    /// Whose token it is, if it is anybody's and has not ended.
    ///
    /// # Errors
    /// The database does not work.
    pub async fn caller(&self, token: &str, now_ms: i64) -> Result<Option<Caller>, String> {
        self.caller_of_hash(&hash(token), now_ms).await
    }

    /// The same by the token's hash.
    pub(crate) async fn caller_of_hash(&self, token: &str, now_ms: i64) -> Result<Option<Caller>, String> {
        let sql = "SELECT name, secrets, roles, created_ms, expires_ms FROM tokens WHERE hash = $1";
        let rows = self.run(vec![Statement::new(sql, vec![token.into()])]).await?;
        let row = rows.first().and_then(|rows| rows.first()).and_then(|row| read_token(row));
        let row = row.filter(|row| row.expires_ms.is_none_or(|end| end > now_ms));
        Ok(row.map(|row| Caller { name: format!("token:{}", row.name), grants: vec![row.grant] }))
    }

    /// Waits until no other replica holds that name.
    ///
    /// # Errors
    /// The database does not work.
    pub(crate) async fn hold(&self, name: &str) -> Result<Box<dyn Held>, String> {
        self.database.hold(name).await.map_err(|failed| failed.to_string())
    }

    async fn one(&self, sql: &str, values: Vec<Value>) -> Result<Option<Lease>, String> {
        let rows = self.run(vec![Statement::new(sql, values)]).await?;
        let unreadable = || "a row of the table leases cannot be read".to_owned();
        rows.iter().flatten().next_back().map(|row| read_lease(row).ok_or_else(unreadable)).transpose()
    }
}

/// Conditions of a `WHERE` and their values.
#[derive(Default)]
struct Conditions {
    all: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// The place that stands for a value.
    fn value(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    fn add(&mut self, condition: String) {
        self.all.push(condition);
    }

    fn equals(&mut self, column: &str, text: Option<&str>) {
        if let Some(text) = text {
            let place = self.value(text.into());
            self.add(format!("{column} = {place}"));
        }
    }

    fn ended(mut self, most: i64, order: &str) -> (String, Vec<Value>) {
        let limit = self.value(most.into());
        let clause =
            if self.all.is_empty() { String::new() } else { format!(" WHERE {}", self.all.join(" AND ")) };
        (format!("{clause} ORDER BY {order} LIMIT {limit}"), self.values)
    }
}

/// Of the column with that number in [`COLUMNS`].
fn column_type(at: usize) -> &'static str {
    match at {
        6..=10 | 15 | 16 | 18 | 19 => "BIGINT",
        _ => "TEXT",
    }
}

fn values(lease: &Lease) -> Vec<Value> {
    vec![
        lease.id.as_str().into(),
        lease.secret.as_str().into(),
        lease.kind.name().into(),
        lease.target.as_str().into(),
        lease.holder.as_str().into(),
        lease.state.name().into(),
        lease.created_ms.into(),
        lease.ttl_ms.into(),
        lease.expires_ms.into(),
        lease.max_expires_ms.into(),
        lease.due_ms.into(),
        lease.display_name.as_str().into(),
        lease.key_id.as_deref().into(),
        lease.reason.as_deref().into(),
        lease.last_error.as_deref().into(),
        lease.attempts.into(),
        lease.misses.into(),
        lease.owner.as_deref().into(),
        lease.claimed_until_ms.into(),
        lease.version.into(),
        lease.idempotency.as_deref().into(),
        lease.tenant.as_deref().into(),
        lease.user_name.as_deref().into(),
    ]
}

fn audit(entry: &Entry) -> Statement {
    let sql = "INSERT INTO audit (at_ms, event, actor, lease, secret, key_id, request_id, detail) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values = vec![
        entry.at_ms.into(),
        entry.event.as_str().into(),
        entry.actor.as_str().into(),
        entry.lease.as_deref().into(),
        entry.secret.as_deref().into(),
        entry.key_id.as_deref().into(),
        entry.request_id.as_deref().into(),
        entry.detail.as_deref().into(),
    ];
    Statement::new(sql, values)
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(number) => Some(*number),
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn read_lease(row: &[Value]) -> Option<Lease> {
    let (number, word) = (|at: usize| row.get(at).and_then(integer), |at: usize| row.get(at).and_then(text));
    Some(Lease {
        id: word(0)?,
        secret: word(1)?,
        kind: word(2)?.parse().ok()?,
        target: word(3)?,
        holder: word(4)?,
        state: word(5)?.parse::<State>().ok()?,
        created_ms: number(6)?,
        ttl_ms: number(7)?,
        expires_ms: number(8)?,
        max_expires_ms: number(9)?,
        due_ms: number(10),
        display_name: word(11)?,
        key_id: word(12),
        reason: word(13),
        last_error: word(14),
        attempts: number(15)?,
        misses: number(16)?,
        owner: word(17),
        claimed_until_ms: number(18)?,
        version: number(19)?,
        idempotency: word(20),
        tenant: word(21),
        user_name: word(22),
    })
}

fn read_entry(row: &[Value]) -> Option<Entry> {
    let (number, word) = (|at: usize| row.get(at).and_then(integer), |at: usize| row.get(at).and_then(text));
    Some(Entry {
        number: number(0)?,
        at_ms: number(1)?,
        event: word(2)?,
        actor: word(3)?,
        lease: word(4),
        secret: word(5),
        key_id: word(6),
        request_id: word(7),
        detail: word(8),
    })
}

fn read_token(row: &[Value]) -> Option<TokenRow> {
    let (number, word) = (|at: usize| row.get(at).and_then(integer), |at: usize| row.get(at).and_then(text));
    let secrets = word(1)?.split(' ').map(str::to_owned).collect();
    let roles = word(2)?.split(' ').filter_map(|role| role.parse().ok()).collect();
    let grant = Grant { secrets, roles };
    Some(TokenRow { name: word(0)?, grant, created_ms: number(3)?, expires_ms: number(4) })
}
