//! What a provider is doing, as plain values: for health checks, logs and metrics.

use crate::refresh::DURATION_BOUNDS_S;
use serde::Serialize;
use std::collections::BTreeMap;

/// Where a provider stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProviderState {
    /// No caller has asked for a token yet.
    Idle,
    /// No valid token is in hand; the first request is under way, or another will follow.
    Fetching,
    /// A token is in service and nothing is wrong.
    Fresh,
    /// A token is in service, but the last request failed: it is tried again.
    Degraded,
    /// No valid token is in hand and the last request failed: it is tried again.
    Failing,
    /// Closed.
    Closed,
}

/// A snapshot of a provider. It holds no secret and no object id.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// The label from the configuration key `name`.
    pub name: Option<String>,
    /// Where it stands.
    pub state: ProviderState,
    /// Whether `get_token` would answer from memory.
    pub ready: bool,
    /// The version of the token in hand, 0 without one.
    pub version: u64,
    /// Milliseconds since the token in hand was first seen.
    pub token_age_ms: Option<u64>,
    /// Milliseconds until it expires.
    pub validity_left_ms: Option<u64>,
    /// When it expires, milliseconds since the Unix epoch by this machine's clock.
    pub expires_unix_ms: Option<u64>,
    /// Milliseconds until the next request; none before the first call, or with one under way.
    pub next_refresh_in_ms: Option<u64>,
    /// Whether a request is under way.
    pub refreshing: bool,
    /// Failures in a row.
    pub attempts: u32,
    /// The last failure, even if it is over.
    pub last_error: Option<LastError>,
    /// This machine's clock less the source's, in milliseconds, to about a second.
    pub clock_skew_ms: Option<i64>,
    /// Who is told of new tokens.
    pub listeners: ListenerStatus,
    /// Since the provider was made, in this process.
    pub counters: Counters,
}

/// A failure that is remembered.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct LastError {
    /// The name of its kind: `NETWORK`.
    pub kind: &'static str,
    /// What happened and what to do.
    pub message: String,
    /// When, in milliseconds since the Unix epoch.
    pub unix_ms: u64,
}

/// The listeners of a provider.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ListenerStatus {
    /// How many there are.
    pub count: usize,
    /// The open connections of those that say which they have, as all adapters do.
    pub connections: usize,
    /// Connections still on an older token past the margin before its expiry. Of a listener that does not say which
    /// connections it has, itself counts as one.
    pub stale: usize,
    /// The oldest token that one of them is on.
    pub oldest_version: Option<u64>,
}

/// Counters.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Counters {
    /// Requests started.
    pub fetches: u64,
    /// Answers that brought a newer token.
    pub renewed: u64,
    /// Answers that brought nothing newer.
    pub unchanged: u64,
    /// Failed requests by the name of the kind.
    pub failures: BTreeMap<&'static str, u64>,
    /// Calls of listeners.
    pub notifications: u64,
    /// Those that came past the margin before the older token's expiry.
    pub late_notifications: u64,
    /// Listeners' callbacks that failed.
    pub listener_failures: u64,
    /// Re-authentications of open connections that servers took, each connection once for each token; or that a
    /// listener acknowledged. With `reauths_rejected`, those that they did not take.
    pub reauths_accepted: u64,
    /// See `reauths_accepted`.
    pub reauths_rejected: u64,
    /// Rejections that servers gave, by reason.
    pub auth_rejections: BTreeMap<&'static str, u64>,
    /// Events that a slow observer missed.
    pub events_dropped: u64,
    /// How long requests took.
    pub refresh_duration: Durations,
}

/// A histogram of request durations.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Durations {
    /// Their sum in seconds.
    pub sum_s: f64,
    /// How many took at most so many seconds, by class and not cumulated. The last class is
    /// open: infinity, which JSON writes as null.
    pub classes: Vec<(f64, u64)>,
}

impl Durations {
    pub(crate) fn new(sum_s: f64, counts: &[u64]) -> Self {
        let bounds = DURATION_BOUNDS_S.into_iter().chain([f64::INFINITY]);
        Self { sum_s, classes: bounds.zip(counts.iter().copied()).collect() }
    }
}

impl Status {
    /// Of a closed provider.
    pub(crate) fn closed() -> Self {
        Self {
            name: None,
            state: ProviderState::Closed,
            ready: false,
            version: 0,
            token_age_ms: None,
            validity_left_ms: None,
            expires_unix_ms: None,
            next_refresh_in_ms: None,
            refreshing: false,
            attempts: 0,
            last_error: None,
            clock_skew_ms: None,
            listeners: ListenerStatus { count: 0, connections: 0, stale: 0, oldest_version: None },
            counters: Counters::default(),
        }
    }

    /// The snapshot as one JSON object; the keys are this type's fields.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() // plain values: it cannot fail
    }
}
