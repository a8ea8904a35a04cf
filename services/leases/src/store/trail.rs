//! The audit trail: what somebody did, with each row in the transaction of the step that it tells of.

use super::Store;
use super::conditions::Conditions;
use super::database::{Statement, Value};
use super::rows::{integer, text};
use std::collections::BTreeSet;

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

const AUDIT_COLUMNS: &str = "number, at_ms, event, actor, lease, secret, key_id, request_id, detail";

impl Store {
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
}

/// Adds a row.
pub(super) fn audit(entry: &Entry) -> Statement {
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
