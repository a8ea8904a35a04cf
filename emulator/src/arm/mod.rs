//! Azure Resource Manager: the cache as a resource, who has roles on it, and its access policy assignments.

mod assignments;
mod ids;

pub(crate) use assignments::{Assignment, AssignmentError, State, Wanted};
pub(crate) use ids::{GROUP, LOCATION, SUBSCRIPTION};

use crate::redis::{Family, Plane};
use crate::tenant::Tenant;
use assignments::Assignments;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use utoipa::ToSchema;

/// What Azure Resource Manager says of the cache besides what it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ArmCache {
    /// The metric of connected clients, instead of their number.
    pub connected_clients: Option<u32>,
    /// The metric of those with a token, instead of their number.
    pub with_token: Option<u32>,
    /// Whether it has a partner in another region.
    pub is_linked: bool,
    /// How long it takes to make or to take away an assignment, on the emulator's clock. If not given, it is made at the
    /// third look at it, and taken away at once.
    pub assignment_ms: Option<u64>,
}

/// The resources, and who may see them.
pub(crate) struct ResourceManager {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) redis: Arc<Plane>,
    /// Roles by object id. Who has none sees nothing.
    roles: Mutex<BTreeMap<String, String>>,
    cache: Mutex<ArmCache>,
    /// The access policies of a classic cache's own: their rules, by name.
    policies: Mutex<BTreeMap<String, String>>,
    pub(crate) assignments: Arc<Assignments>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ResourceManager {
    pub(crate) fn new(tenant: Arc<Tenant>, redis: Arc<Plane>) -> Self {
        let given = tenant.directory.identities.iter();
        let roles =
            given.filter_map(|identity| Some((identity.object_id.clone(), identity.azure_role.clone()?)));
        let roles: BTreeMap<_, _> = roles.collect();
        Self {
            roles: Mutex::new(roles),
            tenant,
            redis,
            cache: Mutex::default(),
            policies: Mutex::default(),
            assignments: Arc::default(),
        }
    }

    pub(crate) fn family(&self) -> Family {
        self.redis.family()
    }

    pub(crate) fn cache_id(&self) -> String {
        ids::cache(self.family())
    }

    pub(crate) fn role(&self, object_id: &str) -> Option<String> {
        lock(&self.roles).get(object_id).cloned()
    }

    pub(crate) fn set_role(&self, object_id: &str, role: Option<&str>) -> bool {
        match role {
            Some(role) => lock(&self.roles).insert(object_id.to_owned(), role.to_owned()).is_some(),
            None => lock(&self.roles).remove(object_id).is_some(),
        }
    }

    pub(crate) fn cache(&self) -> ArmCache {
        *lock(&self.cache)
    }

    pub(crate) fn set_cache(&self, cache: ArmCache) {
        *lock(&self.cache) = cache;
    }

    /// The access policies of the cache's own.
    pub(crate) fn policies(&self) -> BTreeMap<String, String> {
        lock(&self.policies).clone()
    }

    /// Makes one or changes it: true if it is new. Those to whom it was assigned keep what they had.
    pub(crate) fn set_policy(&self, name: &str, rules: &str) -> bool {
        lock(&self.policies).insert(name.to_owned(), rules.to_owned()).is_none()
    }

    pub(crate) fn remove_policy(&self, name: &str) -> bool {
        lock(&self.policies).remove(name).is_some()
    }

    /// When an assignment that is begun now is done, if that is a matter of time.
    pub(crate) fn done_at(&self) -> Option<Duration> {
        let takes = self.cache().assignment_ms.map(Duration::from_millis)?;
        Some(self.tenant.now() + takes)
    }

    /// How many clients are connected, and how many of them with a token.
    pub(crate) fn connected(&self) -> (u32, u32) {
        let (all, with_token) = self.redis.connected();
        let (cache, number) = (self.cache(), |count: usize| u32::try_from(count).unwrap_or(u32::MAX));
        (
            cache.connected_clients.unwrap_or_else(|| number(all)),
            cache.with_token.unwrap_or_else(|| number(with_token)),
        )
    }
}
