//! What was turned away, and why.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Why somebody got nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It showed no secret, or a wrong one.
    Secret,
    /// On the Unix socket: its user and group are none of a client's.
    User,
    /// A web page asked, another server passed it on, or it was for another host.
    Foreign,
    /// It asked for an identity that is not there, or not for it.
    Identity,
    /// It asked for a resource that is not listed.
    Resource,
    /// It asked in a way that makes no sense.
    Request,
    /// It asked too often.
    Rate,
    /// There are as many connections as there may be, of all or of this user or client.
    Full,
}

const ALL: [(Refusal, &str); 8] = [
    (Refusal::Secret, "secret"),
    (Refusal::User, "user"),
    (Refusal::Foreign, "foreign"),
    (Refusal::Identity, "identity"),
    (Refusal::Resource, "resource"),
    (Refusal::Request, "request"),
    (Refusal::Rate, "rate"),
    (Refusal::Full, "full"),
];

impl Refusal {
    /// For metrics and the log.
    pub(crate) fn name(self) -> &'static str {
        ALL.iter().find(|(refusal, _)| *refusal == self).map_or("", |(_, name)| name)
    }
}

/// Counters of the process.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    refused: [AtomicU64; ALL.len()],
    pub(crate) files_written: AtomicU64,
    pub(crate) files_failed: AtomicU64,
    pub(crate) reloaded: AtomicU64,
    pub(crate) reload_failed: AtomicU64,
}

impl Counts {
    pub(crate) fn refuse(&self, why: Refusal) {
        for ((refusal, _), count) in ALL.iter().zip(&self.refused) {
            count.fetch_add(u64::from(*refusal == why), Relaxed);
        }
    }

    pub(crate) fn refused(&self) -> Vec<(&'static str, u64)> {
        ALL.iter().zip(&self.refused).map(|((_, name), count)| (*name, count.load(Relaxed))).collect()
    }
}
