//! The Redis plane, as Rust sees it.

use super::faults::RedisFault;
use super::plane::Plane;
use crate::Error;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A handle on a running emulator's Redis. From [`crate::Emulator::redis`].
#[derive(Clone)]
pub struct Redis(Arc<Plane>);

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis").field("options", &self.0.cache.options).finish_non_exhaustive()
    }
}

impl Redis {
    pub(crate) fn new(plane: Arc<Plane>) -> Self {
        Self(plane)
    }

    /// Closes every listener and connection. The data stays.
    pub async fn stop(&self) {
        self.0.stop().await;
    }

    /// Listens again where it did before.
    ///
    /// # Errors
    /// It listens already, or another process has taken a port.
    pub async fn start(&self) -> Result<(), Error> {
        let started = self.0.restart().await;
        started.map_err(|error| Error::new(format!("the Redis plane cannot listen again: {error}")))
    }

    /// Ends all connections; new ones are taken. Returns how many there were.
    pub fn drop_connections(&self) -> usize {
        self.0.drop_all()
    }

    /// Ends the connections of one object id.
    pub fn drop_connections_of(&self, object_id: &str) -> usize {
        self.0.drop_user(object_id)
    }

    /// A replica takes over for a node, counted from 0: its connections end and nothing listens for `down`. A node of
    /// a cluster is then found at another port. Returns when it listens again.
    ///
    /// # Errors
    /// There is no such node, or no port can be had.
    pub async fn fail_over(&self, node: usize, down: Duration) -> Result<(), Error> {
        self.0.fail_over(node, down).await.map_err(Error::new)
    }

    /// Queues faults behind those that wait already.
    ///
    /// # Errors
    /// One of the faults cannot happen; then none is queued.
    pub fn add_faults(&self, faults: impl IntoIterator<Item = RedisFault>) -> Result<(), Error> {
        self.0.cache.faults.add(faults.into_iter().collect()).map_err(Error::new)
    }

    /// How many faults wait: at `connect`, `auth` and `command`.
    #[must_use]
    pub fn faults(&self) -> BTreeMap<&'static str, u64> {
        self.0.cache.faults.waiting()
    }

    /// Forgets all faults that wait.
    pub fn clear_faults(&self) {
        self.0.cache.faults.clear();
    }

    /// The access policy of each object id that has one, as it was given.
    #[must_use]
    pub fn policies(&self) -> BTreeMap<String, String> {
        self.0.cache.policies.list()
    }

    /// Assigns an access policy: `owner`, `contributor`, `reader`, `default`, or rules of an access control list.
    /// Live connections have it with their next command.
    ///
    /// # Errors
    /// The text is no policy; the error names the rule that is none.
    pub async fn assign_policy(&self, object_id: &str, access: &str) -> Result<(), Error> {
        self.0.assign(object_id, access).await.map(drop).map_err(Error::new)
    }

    /// Takes an assignment away: the next AUTH is refused. False if there was none.
    pub fn unassign_policy(&self, object_id: &str) -> bool {
        self.0.cache.policies.remove(object_id)
    }

    /// The access keys, while they are switched on.
    #[must_use]
    pub fn access_keys(&self) -> Option<[String; 2]> {
        self.0.cache.access_keys.current().cloned()
    }

    /// Switches access keys on or off, which ends every connection. Returns how many there were.
    pub fn set_access_keys(&self, enabled: bool) -> usize {
        self.0.set_access_keys(enabled)
    }

    /// Switches Entra on or off, as Azure Cache for Redis can, which ends every connection. Returns how many there were.
    pub fn set_entra(&self, enabled: bool) -> usize {
        self.0.set_entra(enabled)
    }

    /// The port without TLS, if there is one.
    #[must_use]
    pub fn plain_port(&self) -> Option<u16> {
        self.0.plain_port()
    }
}
