//! What both planes share.

use crate::clock::Clock;
use crate::faults::Faults;
use crate::home::{Home, absolute};
use crate::hosts::HostSecrets;
use crate::identities::Directory;
use crate::limits::ImdsLimits;
use crate::log::Log;
use crate::redis::Policies;
use crate::requests::RequestLog;
use crate::stats::Stats;
use crate::tokens::{Given, KeyRing};
use crate::workload::WorkloadToken;
use crate::{Error, Options};
use std::sync::Arc;
use std::time::Duration;

/// One emulated tenant: its keys, its clock, who is in it, and what has happened so far.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) token_lifetime: Duration,
    pub(crate) signing_keys: Arc<KeyRing>,
    /// Those of the outside issuers which the emulator plays.
    pub(crate) issuer_keys: Arc<KeyRing>,
    pub(crate) given: Given,
    /// Entra's address: tokens name it as their issuer.
    pub(crate) authority: String,
    pub(crate) directory: Directory,
    /// What the cache lets whom do.
    pub(crate) policies: Policies,
    pub(crate) hosts: HostSecrets,
    pub(crate) faults: Faults,
    pub(crate) imds_limits: ImdsLimits,
    pub(crate) requests: RequestLog,
    pub(crate) home: Arc<Home>,
    pub(crate) workload: WorkloadToken,
    pub(crate) stats: Stats,
    pub(crate) log: Log,
}

impl World {
    /// A tenant in which nothing has happened yet; an error if somebody has an access policy that is none.
    pub(crate) fn new(
        options: &Options,
        authority: String,
        directory: Directory,
        home: Arc<Home>,
    ) -> Result<Self, Error> {
        Ok(Self {
            clock: Clock::default(),
            token_lifetime: options.token_lifetime,
            signing_keys: Arc::default(),
            issuer_keys: Arc::default(),
            given: Given::default(),
            authority,
            policies: directory.policies()?,
            directory,
            hosts: HostSecrets::new(options.arc_key_folder.clone().map(absolute), &home),
            faults: Faults::default(),
            imds_limits: ImdsLimits::new(options.imds_limits),
            requests: RequestLog::default(),
            home,
            workload: WorkloadToken::default(),
            stats: Stats::default(),
            log: Log::new(options.verbose),
        })
    }

    /// Seconds since the Unix epoch: the one clock by which tokens are minted, checked and expire.
    pub(crate) fn now(&self) -> Duration {
        self.clock.now()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
impl World {
    /// The default tenant, without listeners and without its folder.
    pub(crate) fn for_tests() -> Self {
        let home = Arc::new(Home::create().unwrap());
        home.remove();
        let authority = "https://127.0.0.1:1".to_owned();
        let directory = crate::identities::Description::read(None).unwrap().build(&authority, &home).unwrap();
        Self::new(&Options::default(), authority, directory, home).unwrap()
    }
}
