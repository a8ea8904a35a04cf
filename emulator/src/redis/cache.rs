//! The emulated cache, as its connections share it.

use super::access::Policies;
use super::access_keys::AccessKeys;
use super::clients::Clients;
use super::cluster::Topology;
use super::commands::Catalogue;
use super::faults::RedisFaults;
use super::options::RedisOptions;
use super::pubsub::Hub;
use crate::clock::Clock;
use crate::tokens::KeyRing;
use crate::witness::Witness;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub(crate) struct Cache {
    pub(super) options: RedisOptions,
    /// The commands that it has.
    pub(super) commands: &'static Catalogue,
    /// The clock by which tokens expire.
    pub(super) clock: Arc<Clock>,
    /// The keys whose tokens are believed.
    pub(super) signing_keys: Arc<KeyRing>,
    /// Who may do what.
    pub(crate) policies: Policies,
    pub(crate) access_keys: AccessKeys,
    /// Whether tokens are taken: Azure Cache for Redis can have Entra off.
    pub(crate) takes_tokens: AtomicBool,
    pub(crate) faults: RedisFaults,
    pub(super) witness: Arc<Witness>,
    pub(super) hub: Hub,
    pub(super) clients: Clients,
    pub(super) topology: Topology,
}
