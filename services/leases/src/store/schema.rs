//! The tables, and how older ones become newer ones. docs/leases.md describes them.

use super::database::{Database, Failed, Statement, Value};
use std::time::Duration;
use tokio::time::timeout;

/// Each once, in this order. What was released is never changed: add another one.
fn migrations(serial: &str) -> [Vec<String>; 2] {
    let first = vec![
        "CREATE TABLE leases (
            id TEXT PRIMARY KEY, secret TEXT NOT NULL, kind TEXT NOT NULL, target TEXT NOT NULL, holder TEXT NOT NULL,
            state TEXT NOT NULL, created_ms BIGINT NOT NULL, ttl_ms BIGINT NOT NULL, expires_ms BIGINT NOT NULL,
            max_expires_ms BIGINT NOT NULL, due_ms BIGINT, display_name TEXT NOT NULL UNIQUE, key_id TEXT, reason TEXT,
            last_error TEXT, attempts BIGINT NOT NULL, misses BIGINT NOT NULL, owner TEXT,
            claimed_until_ms BIGINT NOT NULL, version BIGINT NOT NULL, idempotency TEXT, tenant TEXT)"
            .to_owned(),
        // What is done next, without looking at what is over.
        "CREATE INDEX leases_due ON leases (due_ms) WHERE due_ms IS NOT NULL".to_owned(),
        "CREATE INDEX leases_created ON leases (created_ms, id)".to_owned(),
        "CREATE INDEX leases_living ON leases (secret) WHERE due_ms IS NOT NULL".to_owned(),
        "CREATE UNIQUE INDEX leases_idempotency ON leases (holder, idempotency) WHERE idempotency IS NOT NULL".to_owned(),
        // Of a user, and of an object id on a cache, there is one at a time.
        "CREATE UNIQUE INDEX leases_exclusive ON leases (target)
            WHERE due_ms IS NOT NULL AND kind IN ('redis_access', 'user_password')"
            .to_owned(),
        format!(
            "CREATE TABLE audit (
                number {serial}, at_ms BIGINT NOT NULL, event TEXT NOT NULL, actor TEXT NOT NULL, lease TEXT,
                secret TEXT, key_id TEXT, request_id TEXT, detail TEXT)"
        ),
        "CREATE INDEX audit_lease ON audit (lease, number)".to_owned(),
        "CREATE TABLE tokens (
            name TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, secrets TEXT NOT NULL, roles TEXT NOT NULL,
            created_ms BIGINT NOT NULL, expires_ms BIGINT)"
            .to_owned(),
    ];
    // A user's object id stays, and is what a lease is of; people know the name.
    let second = vec!["ALTER TABLE leases ADD COLUMN user_name TEXT".to_owned()];
    [first, second]
}

/// Another replica needs less for its migrations.
const OTHERS: Duration = Duration::from_secs(60);
const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS entrakey_schema (version BIGINT PRIMARY KEY)";
const READ: &str = "SELECT COALESCE(MAX(version), 0) FROM entrakey_schema";

/// Brings the tables to this version's. Several replicas may do so at a time.
pub(super) async fn migrate(database: &dyn Database) -> Result<(), Failed> {
    let dialect = database.dialect();
    let Ok(held) = timeout(OTHERS, database.hold("entrakey schema")).await else {
        return Err(Failed::Broken(format!(
            "another replica has been bringing the tables up to date for {} s: see whether it is stuck, and end its session \
             (pg_locks has an advisory lock)",
            OTHERS.as_secs()
        )));
    };
    let held = held?;
    database.run(vec![Statement::new(VERSIONS, vec![])]).await?;
    let rows = database.run(vec![Statement::new(READ, vec![])]).await?;
    let Some([Value::Integer(version)]) = rows.first().and_then(|rows| rows.first()).map(Vec::as_slice)
    else {
        return Err(Failed::Broken("the table entrakey_schema has no version".to_owned()));
    };
    let all = migrations(dialect.serial);
    let done = usize::try_from(*version).unwrap_or(usize::MAX);
    if done > all.len() {
        return Err(Failed::Broken(format!(
            "the database was made by a newer version of entrakey (schema {done}, this one knows {}): start that one",
            all.len()
        )));
    }
    for (at, statements) in all.into_iter().enumerate().skip(done) {
        let number = i64::try_from(at + 1).unwrap_or(i64::MAX);
        let mut batch: Vec<_> = statements.into_iter().map(|sql| Statement::new(sql, vec![])).collect();
        let insert = "INSERT INTO entrakey_schema (version) VALUES ($1)";
        batch.push(Statement::new(insert, vec![number.into()]).changes_one());
        database.run(batch).await?;
    }
    drop(held);
    Ok(())
}
