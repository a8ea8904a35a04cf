//! What the machine knows, for `status`.

use super::machine::Machine;
use crate::clock::{Now, millis};
use crate::error::ErrorKind;
use crate::rejection::Facts;
use crate::status::{Counters, Durations, LastError, ListenerStatus, ProviderState, Status};
use std::collections::BTreeMap;

impl Machine {
    /// A snapshot. The driver fills in the name and what only the driver knows.
    #[must_use]
    pub fn status(&self, now: Now) -> Status {
        let current = self.valid(now);
        let token = current.map(|current| &current.token);
        let next = self.pace.alarm(false).filter(|_| self.flight.is_none() && !self.closed);
        let last_error = self.trouble.as_ref().map(|(error, at)| LastError {
            kind: error.kind().name(),
            message: error.to_string(),
            unix_ms: millis(*at),
        });
        Status {
            name: None,
            state: self.state(now),
            ready: token.is_some_and(|token| token.is_usable_at(now)),
            version: token.map_or(0, |token| token.version()),
            token_age_ms: current.map(|current| millis(now.boot.saturating_sub(current.seen_at))),
            validity_left_ms: token.map(|token| millis(token.left(now))),
            expires_unix_ms: token.map(|token| token.expires_unix_ms()),
            next_refresh_in_ms: next.map(|next| millis(next.saturating_sub(now.boot))),
            refreshing: self.flight.is_some(),
            attempts: self.pace.attempts(),
            last_error,
            clock_skew_ms: self.skew_ms,
            listeners: ListenerStatus {
                count: self.listeners.len(),
                connections: self.listeners.connections(),
                stale: self.listeners.stale(now.boot, self.version),
                oldest_version: self.listeners.oldest(),
            },
            counters: self.counters(),
        }
    }

    /// What a server's refusal of the token of `version` is explained from.
    pub(crate) fn facts(&self, now: Now, version: u64, message: &str) -> Facts {
        Facts {
            version,
            message: message.to_owned(),
            current: self.current.as_ref().map(|current| current.token.clone()),
            is_valid: self.valid(now).is_some(),
            skew_ms: self.skew_ms,
            previous_username: self.previous_username.clone(),
        }
    }

    fn state(&self, now: Now) -> ProviderState {
        let failing = self.pace.last_error().is_some();
        match self.valid(now) {
            _ if self.closed => ProviderState::Closed,
            Some(_) if failing => ProviderState::Degraded,
            Some(_) => ProviderState::Fresh,
            None if failing => ProviderState::Failing,
            None if self.flight.is_some() || self.tally.fetches > 0 => ProviderState::Fetching,
            None => ProviderState::Idle,
        }
    }

    fn counters(&self) -> Counters {
        let tally = &self.tally;
        let failures = ErrorKind::ALL.iter().zip(tally.failures).filter(|(_, count)| *count > 0);
        Counters {
            fetches: tally.fetches,
            renewed: tally.renewed,
            unchanged: tally.unchanged,
            failures: failures.map(|(kind, count)| (kind.name(), count)).collect(),
            notifications: tally.notifications,
            late_notifications: tally.late_notifications,
            listener_failures: tally.listener_failures,
            reauths_accepted: tally.reauths_accepted,
            reauths_rejected: tally.reauths_rejected,
            auth_rejections: BTreeMap::new(),
            events_dropped: 0,
            refresh_duration: Durations::new(tally.duration_sum.as_secs_f64(), &tally.durations),
        }
    }
}
