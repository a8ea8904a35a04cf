//! A running emulator, as Rust sees it.

use crate::addresses::Addresses;
use crate::arm::ArmCache;
use crate::control::{ClockChange, ClockState, Control, KeySet, KeyState, Limits, Rotation};
use crate::environment::{KINDS, Variables};
use crate::graph::{GraphGrant, GraphSettings};
use crate::hosting::HostingSecrets;
use crate::redis::Redis;
use crate::scripts::faults::{Fault, FaultQueues, Script};
use crate::start::{Folder, Started, start};
use crate::witness::requests::Requests;
use crate::witness::stats::Counts;
use crate::workload::{FederatedToken, Renewal};
use crate::{Error, Options};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::watch;

/// A running emulator. Dropping it stops it and removes its folder.
///
/// Its methods do without HTTP what its control API does over it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), entrakey_emulator::Error> {
/// use entrakey_emulator::{ClockChange, Emulator, Fault, Options, TokenFault};
///
/// let emulator = Emulator::start(Options::default()).await?;
/// // The next request to IMDS waits and fails, the one after it gets a token that has expired.
/// let throttled = Fault { status: Some(429), delay_ms: 50, ..Fault::default() };
/// let expired = Fault { token: Some(TokenFault::Expired), ..Fault::default() };
/// emulator.add_faults("imds", [throttled, expired])?;
/// // An hour later:
/// emulator.set_clock(ClockChange { advance_ms: Some(3_600_000), ..ClockChange::default() })?;
///
/// for (name, value) in emulator.env("imds").await? {
///     println!("{name}={value}"); // give these to the program under test, and let it run; then
/// }
/// assert_eq!(emulator.requests(Some("imds")).requests.len(), 0);
/// assert_eq!(emulator.faults().waiting["imds"], 2);
/// # Ok(())
/// # }
/// ```
pub struct Emulator {
    addresses: Addresses,
    ca_pem: String,
    control: Arc<Control>,
    hosting: Arc<HostingSecrets>,
    stop: watch::Sender<bool>,
    _folder: Folder,
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

impl Emulator {
    /// Listens on all its ports and returns. Runs on the tokio runtime that it is called on.
    ///
    /// Keys are made when they are first needed: a request that comes before the first one is there waits for it,
    /// some hundredths of a second.
    ///
    /// # Errors
    /// A port is taken, a file cannot be written, or that of the identities says what cannot be.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let Started { addresses, ca_pem, control, hosting, stop, folder } = start(options).await?;
        Ok(Self { addresses, ca_pem, control, hosting, stop, _folder: folder })
    }

    /// The managed identity endpoints and the control API, over http.
    #[must_use]
    pub fn http_address(&self) -> SocketAddr {
        self.addresses.http
    }

    /// Entra, over https.
    #[must_use]
    pub fn https_address(&self) -> SocketAddr {
        self.addresses.https
    }

    /// The Redis, over TLS.
    #[must_use]
    pub fn redis_address(&self) -> SocketAddr {
        self.addresses.redis
    }

    /// The certificate of the authority that signed the servers' certificates, PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The variables that point a client at this emulator: a virtual machine's, and an application's with a
    /// secret.
    #[must_use]
    pub fn environment(&self) -> Variables {
        self.control.environments.everything().clone()
    }

    /// The variables of one of [`Self::environment_names`], once the files that they name are there.
    ///
    /// # Errors
    /// There is no such environment, no identity fits it, or a file cannot be written.
    pub async fn env(&self, name: &str) -> Result<Variables, Error> {
        self.control.environment(name).await
    }

    /// Whether [`Self::env`] has an environment: whether an identity fits it.
    #[must_use]
    pub fn has_env(&self, name: &str) -> bool {
        self.control.environments.get(name).is_some()
    }

    /// The names that [`Self::env`] takes: the places and ways in which a program can have an identity.
    #[must_use]
    pub fn environment_names() -> Vec<&'static str> {
        KINDS.iter().map(|(name, _)| *name).collect()
    }

    /// The variables that must not be set where [`Self::env`] is used, as they belong to other environments.
    #[must_use]
    pub fn foreign_to(&self, name: &str) -> Vec<String> {
        self.control.environments.foreign_to(name)
    }

    /// What has happened so far, counted.
    #[must_use]
    pub fn stats(&self) -> Counts {
        self.control.stats()
    }

    /// Queues answers for a route behind those that wait already.
    ///
    /// # Errors
    /// There is no such route, or one of the answers cannot be given; then none is queued.
    pub fn add_faults(&self, route: &str, answers: impl IntoIterator<Item = Fault>) -> Result<(), Error> {
        let script = Script { route: route.to_owned(), answers: answers.into_iter().collect() };
        self.control.add_faults(script).map(drop)
    }

    /// How many scripted answers wait.
    #[must_use]
    pub fn faults(&self) -> FaultQueues {
        self.control.faults()
    }

    /// Forgets all scripted answers that wait.
    pub fn clear_faults(&self) {
        self.control.scripts.faults.clear();
    }

    /// What the clock shows by which tokens are minted, checked and expire.
    #[must_use]
    pub fn clock(&self) -> ClockState {
        self.control.clock()
    }

    /// Sets, moves or scales the clock. Connections whose tokens have expired by it are closed at once.
    ///
    /// # Errors
    /// The scale is no number between 0 and 100 000; then nothing was changed.
    pub fn set_clock(&self, change: ClockChange) -> Result<ClockState, Error> {
        self.control.set_clock(&change)
    }

    /// The last 1000 requests of the token plane, of one route or of all, without secrets.
    #[must_use]
    pub fn requests(&self, route: Option<&str>) -> Requests {
        self.control.requests(route)
    }

    /// Forgets the requests that were kept.
    pub fn clear_requests(&self) {
        self.control.witness.requests.clear();
    }

    /// The ids of the keys that are published.
    #[must_use]
    pub fn keys(&self, keys: KeySet) -> KeyState {
        self.control.keys(keys)
    }

    /// Makes a new key, which signs from now on.
    ///
    /// # Errors
    /// The key cannot be made: the system has no random numbers.
    pub async fn rotate_keys(&self, rotation: Rotation) -> Result<KeyState, Error> {
        self.control.rotate_keys(rotation).await
    }

    /// Forgets all keys but the one that signs: what they signed is believed no longer.
    pub fn retire_keys(&self, keys: KeySet) -> KeyState {
        self.control.retire_keys(keys)
    }

    /// A new federated token, also in the workload's file unless it is not wanted there.
    ///
    /// # Errors
    /// No app has a federated credential that the emulator can sign for, or the file cannot be written.
    pub async fn federated_token(&self, renewal: Renewal) -> Result<FederatedToken, Error> {
        self.control.federated_token(renewal).await
    }

    /// Which limits hold.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.control.limits()
    }

    /// Switches limits on or off.
    pub fn set_limits(&self, limits: Limits) {
        self.control.set_limits(limits);
    }

    /// The emulator's Redis: faults, access policies, fail-overs.
    #[must_use]
    pub fn redis(&self) -> Redis {
        Redis::new(self.control.redis.clone())
    }

    /// How soon Graph's changes are known, and what is refused.
    #[must_use]
    pub fn graph_settings(&self) -> GraphSettings {
        self.control.tenant.graph.settings()
    }

    /// Sets how soon Graph's changes are known, and what is refused.
    ///
    /// # Errors
    /// A page would have no users, or more than 999; then nothing was changed.
    pub fn set_graph_settings(&self, settings: GraphSettings) -> Result<(), Error> {
        self.control.set_graph_settings(settings).map(drop)
    }

    /// Sets what an object id may do in Graph.
    pub fn set_graph_grant(&self, object_id: &str, grant: GraphGrant) {
        self.control.tenant.graph.set_grant(object_id, grant);
    }

    /// Gives an object id an Azure role on the cache, `Reader` or `Contributor`, by which Azure Resource Manager answers it; or
    /// takes it away.
    pub fn set_role(&self, object_id: &str, role: Option<&str>) {
        self.control.manager.set_role(object_id, role);
    }

    /// What Azure Resource Manager says of the cache besides what it is.
    pub fn set_arm_cache(&self, cache: ArmCache) {
        self.control.manager.set_cache(cache);
    }

    /// The cache's resource id.
    #[must_use]
    pub fn cache_id(&self) -> String {
        self.control.manager.cache_id()
    }

    /// Closes every listener and connection.
    pub fn shutdown(self) {
        drop(self);
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.hosting.arc.clear();
    }
}
