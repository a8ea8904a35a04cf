//! What has happened, counted: the independent witness of a test.

use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use utoipa::ToSchema;

#[derive(Debug, Default)]
pub(crate) struct Stats(Mutex<Counts>);

/// What has happened, counted.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Counts {
    /// On the token plane.
    pub token_requests: TokenRequests,
    /// On the Redis plane.
    pub redis: RedisCounts,
}

/// What was asked of the token plane.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct TokenRequests {
    /// Tokens that were given, and requests for one that were refused or answered by a script.
    pub total: u64,
    /// Tokens that were given, right or wrong ones.
    pub issued_by_object_id: BTreeMap<String, u64>,
    /// Refusals, by their reason.
    pub failed: BTreeMap<String, u64>,
    /// Every request, also those that do not ask for a token, by the names that faults are scripted for.
    pub by_route: BTreeMap<&'static str, u64>,
    /// Answered by a script; not among the failed ones, whatever the answer.
    pub scripted: u64,
}

/// What happened on the Redis plane.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct RedisCounts {
    /// The connections of each object id.
    pub by_object_id: BTreeMap<String, Connections>,
    /// Refused tokens, by what was wrong with them. Clients are never told.
    pub auth_rejected: BTreeMap<&'static str, u64>,
}

/// The connections of one object id.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Connections {
    /// Counted at the first accepted AUTH of each.
    pub connections: u64,
    /// Every accepted AUTH, the first included.
    pub auths: u64,
    /// Closed because the token expired.
    pub expired: u64,
    /// Commands other than AUTH, HELLO and CLIENT.
    pub commands: u64,
    /// Those that are open now.
    pub connected: u64,
}

impl Stats {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn snapshot(&self) -> Counts {
        self.counts().clone()
    }

    pub(crate) fn token_issued(&self, object_id: &str) {
        let mut counts = self.counts();
        counts.token_requests.total += 1;
        *counts.token_requests.issued_by_object_id.entry(object_id.to_owned()).or_default() += 1;
    }

    pub(crate) fn token_refused(&self, code: String) {
        let mut counts = self.counts();
        counts.token_requests.total += 1;
        *counts.token_requests.failed.entry(code).or_default() += 1;
    }

    /// A request has come, whatever becomes of it.
    pub(crate) fn requested(&self, route: &'static str) {
        *self.counts().token_requests.by_route.entry(route).or_default() += 1;
    }

    pub(crate) fn answered_by_script(&self) {
        let mut counts = self.counts();
        counts.token_requests.total += 1;
        counts.token_requests.scripted += 1;
    }

    pub(crate) fn auth_rejected(&self, reason: &'static str) {
        *self.counts().redis.auth_rejected.entry(reason).or_default() += 1;
    }

    /// Changes what is counted for an object id.
    pub(crate) fn update(&self, object_id: &str, change: impl FnOnce(&mut Connections)) {
        change(self.counts().redis.by_object_id.entry(object_id.to_owned()).or_default());
    }
}
