//! The journal: leases, what was done with them, and who may come. Each step is a commit of its own, with its row of the
//! audit trail in the same transaction.

mod conditions;
mod database;
mod list;
mod old;
mod postgres;
mod rows;
mod schema;
mod sqlite;
#[cfg(test)]
mod tests;
mod tokens;
mod trail;

pub use list::LeaseFilter;
pub(crate) use old::Forgotten;
pub use tokens::TokenRow;
pub use trail::{AuditFilter, Entry};

use crate::lease::{Kind, Lease};
use database::{Database, Failed, Held, Row, Statement, Value};
use rows::{COLUMNS, column_type, integer, read_lease, text, values};
use std::path::PathBuf;
use std::sync::Arc;
use tokio_rustls::rustls::ClientConfig;
use trail::audit;

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
