//! What has been seen. Tests ask for it; no answer depends on it.

pub(crate) mod log;
pub(crate) mod requests;
pub(crate) mod stats;

use log::Log;
use requests::RequestLog;
use stats::Stats;

/// The counts, the last requests, and the log.
#[derive(Debug)]
pub(crate) struct Witness {
    pub(crate) stats: Stats,
    pub(crate) requests: RequestLog,
    pub(crate) log: Log,
}

impl Witness {
    /// Nothing has been seen yet.
    pub(crate) fn new(verbose: bool) -> Self {
        Self { stats: Stats::default(), requests: RequestLog::default(), log: Log::new(verbose) }
    }
}
