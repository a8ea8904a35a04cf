//! What a provider has counted.

use crate::error::ErrorKind;
use std::time::Duration;

/// The upper bounds, in seconds, of the classes that request durations are counted in; the last is open.
pub(crate) const DURATION_BOUNDS_S: [f64; 8] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Counters since the provider was made, in this process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Requests started.
    pub(crate) fetches: u64,
    /// Answers that brought a newer token.
    pub(crate) renewed: u64,
    /// Answers that brought the same token, or one that expires no later.
    pub(crate) unchanged: u64,
    /// Failed requests, by the number of the error's kind less one.
    pub(crate) failures: [u64; ErrorKind::ALL.len()],
    pub(crate) notifications: u64,
    pub(crate) late_notifications: u64,
    pub(crate) listener_failures: u64,
    pub(crate) reauths_accepted: u64,
    pub(crate) reauths_rejected: u64,
    /// Request durations by class.
    pub(crate) durations: [u64; DURATION_BOUNDS_S.len() + 1],
    pub(crate) duration_sum: Duration,
}

impl Tally {
    pub(super) fn failed(&mut self, kind: ErrorKind) {
        if let Some(count) = self.failures.get_mut(kind.number() as usize - 1) {
            *count += 1;
        }
    }

    pub(super) fn took(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let class = DURATION_BOUNDS_S.iter().position(|bound| seconds <= *bound);
        if let Some(count) = self.durations.get_mut(class.unwrap_or(DURATION_BOUNDS_S.len())) {
            *count += 1;
        }
        self.duration_sum += duration;
    }
}
