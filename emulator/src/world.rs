//! What both planes share.

use crate::clock::Clock;
use crate::faults::Faults;
use crate::home::Home;
use crate::hosts::HostSecrets;
use crate::identities::Directory;
use crate::log::Log;
use crate::redis::Policies;
use crate::stats::Stats;
use crate::tokens::SigningKey;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Resolves when everything is to stop, also when whoever would say so is gone.
pub(crate) async fn stop_signal(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await; // an error means that the sender is gone: stop too
}

/// One emulated tenant: its keys, its clock, who is in it, and what has happened so far.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) token_lifetime: Duration,
    pub(crate) signing_key: SigningKey,
    /// That of the outside issuers which the emulator plays.
    pub(crate) issuer_key: SigningKey,
    /// Entra's address: tokens name it as their issuer.
    pub(crate) authority: String,
    pub(crate) directory: Directory,
    /// What the cache lets whom do.
    pub(crate) policies: Policies,
    pub(crate) hosts: HostSecrets,
    pub(crate) faults: Faults,
    pub(crate) home: Arc<Home>,
    pub(crate) stats: Stats,
    pub(crate) log: Log,
}

impl World {
    /// Seconds since the Unix epoch: the one clock by which tokens are minted, checked and expire.
    pub(crate) fn now(&self) -> Duration {
        self.clock.now()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
impl World {
    /// The default tenant, without listeners and without its folder.
    pub(crate) async fn for_tests() -> Self {
        use crate::identities::{Description, Generated};
        let home = Arc::new(Home::create().unwrap());
        let authority = "https://127.0.0.1:1".to_owned();
        let description = Description::read(None).unwrap();
        let mut generated = Vec::new();
        for app in description.wants_certificates() {
            let certificate =
                crate::certificates::ClientCertificate::generate(app.clone(), &home).await.unwrap();
            generated.push(Generated { app, certificate });
        }
        home.remove();
        let directory = description.build(&authority, generated).unwrap();
        Self {
            clock: Clock::default(),
            token_lifetime: Duration::from_secs(3600),
            signing_key: SigningKey::generate().await.unwrap(),
            issuer_key: SigningKey::generate().await.unwrap(),
            policies: directory.policies().unwrap(),
            directory,
            hosts: HostSecrets::new(None, &home),
            faults: Faults::default(),
            home,
            stats: Stats::default(),
            log: Log::new(false),
            authority,
        }
    }
}
