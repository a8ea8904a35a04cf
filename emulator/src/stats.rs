//! What happened so far, counted.

use crate::locked::locked;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// What happened since the start, as `GET /emulator/stats` shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// At the token endpoints.
    pub token_requests: TokenStats,
    /// At the Redis.
    pub redis: RedisStats,
}

/// What happened at the token endpoints.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TokenStats {
    /// Every request, answered with a token or not.
    pub total: u64,
    /// Tokens issued, by the identity's object id.
    pub issued_by_object_id: BTreeMap<String, u64>,
    /// Refusals, by the error's code: the AADSTS number, or the metadata service's `error`.
    pub failed: BTreeMap<String, u64>,
}

/// What happened at the Redis.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RedisStats {
    /// By the object id that authenticated.
    pub by_object_id: BTreeMap<String, ObjectStats>,
    /// Refused AUTH and HELLO AUTH, by the true reason, which the client never learns.
    pub auth_rejected: BTreeMap<String, u64>,
}

/// What one object id did at the Redis.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ObjectStats {
    /// Connections whose first accepted AUTH was this object id's.
    pub connections: u64,
    /// Accepted AUTH and HELLO AUTH.
    pub auths: u64,
    /// Of those connections, how many were closed because the token expired.
    pub expired: u64,
    /// Commands, without AUTH, HELLO and CLIENT.
    pub commands: u64,
    /// Of those connections, how many are open now.
    pub connected: u64,
}

/// The counters behind [`Stats`].
#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<Stats>);

impl Counters {
    pub(crate) fn snapshot(&self) -> Stats {
        locked(&self.0).clone()
    }

    pub(crate) fn token_issued(&self, object_id: &str) {
        let requests = &mut locked(&self.0).token_requests;
        requests.total += 1;
        count(&mut requests.issued_by_object_id, object_id);
    }

    pub(crate) fn token_refused(&self, code: &str) {
        let requests = &mut locked(&self.0).token_requests;
        requests.total += 1;
        count(&mut requests.failed, code);
    }

    pub(crate) fn auth_rejected(&self, reason: &str) {
        count(&mut locked(&self.0).redis.auth_rejected, reason);
    }

    /// Changes what is counted for an object id at the Redis.
    pub(crate) fn redis(&self, object_id: &str, change: impl FnOnce(&mut ObjectStats)) {
        let by_object_id = &mut locked(&self.0).redis.by_object_id;
        match by_object_id.get_mut(object_id) {
            Some(stats) => change(stats),
            None => change(by_object_id.entry(object_id.to_owned()).or_default()),
        }
    }
}

fn count(counts: &mut BTreeMap<String, u64>, key: &str) {
    *counts.entry(key.to_owned()).or_default() += 1;
}
