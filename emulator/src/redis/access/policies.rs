//! Which object id has which access policy; changed while it runs.

use super::permissions::Permissions;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// The access policy assignments of the cache.
#[derive(Debug, Default)]
pub(crate) struct Policies {
    assigned: RwLock<BTreeMap<String, Arc<Permissions>>>,
    /// Goes up with each change: connections look again.
    version: AtomicU64,
}

impl Policies {
    pub(crate) fn get(&self, object_id: &str) -> Option<Arc<Permissions>> {
        self.assigned.read().unwrap_or_else(PoisonError::into_inner).get(object_id).cloned()
    }

    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Gives an object id a policy, or another one. Live connections have it with their next command.
    pub(crate) fn set(&self, object_id: &str, permissions: Arc<Permissions>) {
        let mut assigned = self.assigned.write().unwrap_or_else(PoisonError::into_inner);
        assigned.insert(object_id.to_owned(), permissions);
        self.version.fetch_add(1, Ordering::Release);
    }

    /// The next AUTH is refused. What becomes of a live connection is not documented: here it keeps what it had.
    pub(crate) fn remove(&self, object_id: &str) -> bool {
        let mut assigned = self.assigned.write().unwrap_or_else(PoisonError::into_inner);
        let removed = assigned.remove(object_id).is_some();
        self.version.fetch_add(1, Ordering::Release);
        removed
    }

    /// The policies by object id, as they were given.
    pub(crate) fn list(&self) -> BTreeMap<String, String> {
        let assigned = self.assigned.read().unwrap_or_else(PoisonError::into_inner);
        assigned
            .iter()
            .map(|(object_id, permissions)| (object_id.clone(), permissions.given.clone()))
            .collect()
    }
}
