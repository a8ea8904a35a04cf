//! Where the cache is: its subscription, resource group and name.

use crate::redis::Family;

pub(crate) const SUBSCRIPTION: &str = "5ab5c819-0000-4000-8000-00000000000b";
pub(crate) const GROUP: &str = "emulated";
pub(crate) const LOCATION: &str = "westeurope";

/// The type of its resource.
pub(super) fn kind(family: Family) -> &'static str {
    match family {
        Family::Amr => "redisEnterprise",
        Family::Classic => "redis",
    }
}

/// Its resource id.
pub(super) fn cache(family: Family) -> String {
    let name = family.host_name().split('.').next().unwrap_or_default();
    let kind = kind(family);
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.Cache/{kind}/{name}")
}
