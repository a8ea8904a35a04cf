//! What both planes share.

use crate::log::Log;
use crate::stats::Stats;
use crate::tokens::SigningKey;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// Resolves when everything is to stop, also when whoever would say so is gone.
pub(crate) async fn stop_signal(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await; // an error means that the sender is gone: stop too
}

/// One emulated tenant: its key, its clock, and what has happened so far.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) token_lifetime: Duration,
    pub(crate) signing_key: SigningKey,
    /// Entra's address: tokens name it as their issuer.
    pub(crate) authority: String,
    pub(crate) stats: Stats,
    pub(crate) log: Log,
}

impl World {
    pub(crate) fn new(
        token_lifetime: Duration,
        signing_key: SigningKey,
        entra: SocketAddr,
        log: Log,
    ) -> Self {
        Self {
            token_lifetime,
            signing_key,
            authority: format!("https://{entra}"),
            stats: Stats::default(),
            log,
        }
    }

    /// Seconds since the Unix epoch: the one clock by which tokens are minted, checked and expire.
    pub(crate) fn now(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}
