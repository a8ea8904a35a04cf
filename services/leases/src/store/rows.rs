//! A lease as a row of its table.

use super::database::Value;
use crate::lease::{Lease, State};

pub(super) const COLUMNS: &str = "id, secret, kind, target, holder, state, created_ms, ttl_ms, expires_ms, max_expires_ms, due_ms, \
     display_name, key_id, reason, last_error, attempts, misses, owner, claimed_until_ms, version, idempotency, \
     tenant, user_name";

/// Of the column with that number in [`COLUMNS`].
pub(super) fn column_type(at: usize) -> &'static str {
    match at {
        6..=10 | 15 | 16 | 18 | 19 => "BIGINT",
        _ => "TEXT",
    }
}

pub(super) fn values(lease: &Lease) -> Vec<Value> {
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

pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(number) => Some(*number),
        _ => None,
    }
}

pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    }
}

pub(super) fn read_lease(row: &[Value]) -> Option<Lease> {
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
