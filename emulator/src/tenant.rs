//! The tenant: which identities exist, and what signs their tokens.

use crate::Options;
use crate::clock::Clock;
use crate::graph::Graph;
use crate::identities::Directory;
use crate::tokens::{Issuance, KeyRing, Mint};
use std::sync::Arc;
use std::time::Duration;

/// One emulated tenant: its identities, its keys, and its clock.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) directory: Directory,
    /// What of it changes.
    pub(crate) graph: Graph,
    /// Entra's address: tokens name it as their issuer.
    pub(crate) authority: String,
    pub(crate) clock: Arc<Clock>,
    token_lifetime: Duration,
    pub(crate) signing_keys: Arc<KeyRing>,
    /// The keys of the outside issuers that the emulator plays.
    pub(crate) issuer_keys: Arc<KeyRing>,
    pub(crate) mint: Mint,
}

impl Tenant {
    /// A tenant without a signed token yet.
    pub(crate) fn new(options: &Options, authority: String, directory: Directory) -> Self {
        let signing_keys: Arc<KeyRing> = Arc::default();
        Self {
            graph: Graph::new(&directory, options.graph),
            directory,
            authority,
            clock: Arc::default(),
            token_lifetime: options.token_lifetime,
            mint: Mint::new(signing_keys.clone()),
            signing_keys,
            issuer_keys: Arc::default(),
        }
    }

    /// Since the Unix epoch, on the one clock by which tokens are minted, checked and expire.
    pub(crate) fn now(&self) -> Duration {
        self.clock.now()
    }

    /// What every token says that is issued now.
    pub(crate) fn issuance(&self) -> Issuance<'_> {
        Issuance {
            authority: &self.authority,
            tenant_id: &self.directory.tenant_id,
            now: self.now(),
            lifetime: self.token_lifetime,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
impl Tenant {
    /// The default tenant, whose folder is gone.
    pub(crate) fn for_tests() -> Self {
        let home = Arc::new(crate::home::Home::create().unwrap());
        home.remove();
        let authority = "https://127.0.0.1:1".to_owned();
        let directory = crate::identities::Description::read(None).unwrap().build(&authority, &home).unwrap();
        Self::new(&Options::default(), authority, directory)
    }
}
