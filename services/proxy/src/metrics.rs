//! What a proxy counts. Plain atomics: whoever serves `/metrics` gives them names and labels.

use crate::dial_error::DialFailure;
use crate::ended::By;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper bounds of the histogram of connect times, in milliseconds.
const BOUNDS_MS: [u64; 10] = [1, 2, 5, 10, 25, 50, 100, 500, 2_500, 10_000];

/// Counts of one [`crate::Proxy`]. Written by its connections, read with [`Metrics::counts`].
#[derive(Debug, Default)]
pub struct Metrics {
    accepted: AtomicU64,
    waiting: AtomicU64,
    connected: AtomicU64,
    refused: [AtomicU64; DialFailure::ALL.len()],
    wrong_passwords: AtomicU64,
    missing_passwords: AtomicU64,
    reauth_accepted: AtomicU64,
    reauth_refused: AtomicU64,
    reauth_pending: AtomicU64,
    bytes_up: AtomicU64,
    bytes_down: AtomicU64,
    ended: [AtomicU64; 3],
    connects: [AtomicU64; BOUNDS_MS.len() + 1],
    connect_micros: AtomicU64,
}

/// A reading of [`Metrics`]. Pairs are a label's value and what was counted for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Counts {
    /// Client connections that were taken so far.
    pub accepted: u64,
    /// Open client connections by `state`: `waiting` has no upstream connection yet, `connected` has one.
    pub connections: [(&'static str, u64); 2],
    /// Clients that got no upstream connection, by `reason`; `password`: tries with a wrong local password; `no_password`:
    /// clients that did not give it in time.
    pub refused: Vec<(&'static str, u64)>,
    /// Re-authentications by `result`: `accepted`, `refused`.
    pub reauth: [(&'static str, u64); 2],
    /// Connections that a newer token waits for.
    pub reauth_pending: u64,
    /// Bytes carried by `direction`: `up` to the server, `down` to the client.
    pub bytes: [(&'static str, u64); 2],
    /// Upstream connections that ended, `by` whom.
    pub upstream_closed: [(&'static str, u64); 3],
    /// How long it took to make the upstream connections, AUTH included.
    pub connect_times: ConnectTimes,
}

/// A histogram in Prometheus's manner.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectTimes {
    /// Upper bounds in seconds, and how many connects took no longer than each.
    pub buckets: Vec<(f64, u64)>,
    /// How many there were.
    pub count: u64,
    /// What they took together.
    pub sum_seconds: f64,
}

impl Metrics {
    /// What has been counted up to now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let get = |count: &AtomicU64| count.load(Relaxed);
        let refused =
            DialFailure::ALL.iter().zip(&self.refused).map(|(reason, count)| (reason.name(), get(count)));
        let by = |by: By| (by.name(), self.ended.get(by as usize).map_or(0, get));
        Counts {
            accepted: get(&self.accepted),
            connections: [("waiting", get(&self.waiting)), ("connected", get(&self.connected))],
            refused: refused.chain(self.of_passwords()).collect(),
            reauth: [("accepted", get(&self.reauth_accepted)), ("refused", get(&self.reauth_refused))],
            reauth_pending: get(&self.reauth_pending),
            bytes: [("up", get(&self.bytes_up)), ("down", get(&self.bytes_down))],
            upstream_closed: [by(By::Client), by(By::Upstream), by(By::Proxy)],
            connect_times: self.connect_times(),
        }
    }

    fn of_passwords(&self) -> [(&'static str, u64); 2] {
        let get = |count: &AtomicU64| count.load(Relaxed);
        [("password", get(&self.wrong_passwords)), ("no_password", get(&self.missing_passwords))]
    }

    fn connect_times(&self) -> ConnectTimes {
        let mut count = 0;
        let mut so_far = |bucket: &AtomicU64| {
            count += bucket.load(Relaxed);
            count
        };
        let bounds = BOUNDS_MS.iter().map(|bound| Duration::from_millis(*bound).as_secs_f64());
        let buckets = bounds.zip(&self.connects).map(|(bound, bucket)| (bound, so_far(bucket))).collect();
        let count = self.connects.last().map_or(0, &mut so_far);
        let micros = Duration::from_micros(self.connect_micros.load(Relaxed));
        ConnectTimes { buckets, count, sum_seconds: micros.as_secs_f64() }
    }

    pub(crate) fn record_connect(&self, took: Duration) {
        let slower = |bound: &u64| took > Duration::from_millis(*bound);
        let bucket = BOUNDS_MS.iter().take_while(|bound| slower(bound)).count();
        if let Some(count) = self.connects.get(bucket) {
            count.fetch_add(1, Relaxed);
        }
        self.connect_micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    pub(crate) fn record_refusal(&self, reason: DialFailure) {
        if let Some(count) = self.refused.get(reason as usize) {
            count.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn record_wrong_passwords(&self, count: u32) {
        self.wrong_passwords.fetch_add(count.into(), Relaxed);
    }

    pub(crate) fn record_missing_password(&self) {
        self.missing_passwords.fetch_add(1, Relaxed);
    }

    pub(crate) fn record_reauth(&self, accepted: bool) {
        let count = if accepted { &self.reauth_accepted } else { &self.reauth_refused };
        count.fetch_add(1, Relaxed);
    }

    pub(crate) fn record_bytes(&self, up: u64, down: u64) {
        for (count, bytes) in [(&self.bytes_up, up), (&self.bytes_down, down)] {
            if bytes > 0 {
                count.fetch_add(bytes, Relaxed);
            }
        }
    }
}

/// One client connection in the gauges, until it is dropped.
pub(crate) struct Gauge<'a> {
    metrics: &'a Metrics,
    is_connected: bool,
    is_behind: bool,
}

impl<'a> Gauge<'a> {
    pub(crate) fn new(metrics: &'a Metrics) -> Self {
        metrics.accepted.fetch_add(1, Relaxed);
        metrics.waiting.fetch_add(1, Relaxed);
        Self { metrics, is_connected: false, is_behind: false }
    }

    pub(crate) fn set_connected(&mut self) {
        if !std::mem::replace(&mut self.is_connected, true) {
            self.metrics.waiting.fetch_sub(1, Relaxed);
            self.metrics.connected.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.is_connected
    }

    /// Whether a newer token waits to be sent or taken.
    pub(crate) fn set_behind(&mut self, is_behind: bool) {
        match (std::mem::replace(&mut self.is_behind, is_behind), is_behind) {
            (false, true) => self.metrics.reauth_pending.fetch_add(1, Relaxed),
            (true, false) => self.metrics.reauth_pending.fetch_sub(1, Relaxed),
            _ => 0,
        };
    }

    /// Its upstream connection has ended, if it had one.
    pub(crate) fn record_end(&self, by: By) {
        if self.is_connected
            && let Some(count) = self.metrics.ended.get(by as usize)
        {
            count.fetch_add(1, Relaxed);
        }
    }
}

impl Drop for Gauge<'_> {
    fn drop(&mut self) {
        self.set_behind(false);
        let gauge = if self.is_connected { &self.metrics.connected } else { &self.metrics.waiting };
        gauge.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connect_counts_in_its_bucket_and_in_all_wider_ones() {
        let metrics = Metrics::default();
        for millis in [1, 3, 3, 20_000] {
            metrics.record_connect(Duration::from_millis(millis));
        }
        let times = metrics.counts().connect_times;
        assert_eq!(times.buckets[..3], [(0.001, 1), (0.002, 1), (0.005, 3)]);
        assert_eq!((times.buckets.last().copied(), times.count), (Some((10.0, 3)), 4));
        assert!((times.sum_seconds - 20.007).abs() < 1e-9);
    }
}
