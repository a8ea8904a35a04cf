//! Which resource a path names, whatever the case of its letters.

use crate::arm::{GROUP, SUBSCRIPTION};
use crate::redis::Family;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Subscriptions,
    /// The caches of a kind in the subscription: whether it is ours.
    Caches(bool),
    Cache,
    Database,
    Assignments,
    Assignment(String),
    /// Access policies of a classic cache's own.
    Policies,
    Policy(String),
    Roles,
    Metrics,
    Operation(String),
}

impl Asked {
    pub(super) fn read(path: &str, family: Family) -> Option<Self> {
        let lower = path.to_ascii_lowercase();
        let parts: Vec<&str> = lower.trim_matches('/').split('/').collect();
        let (kind, name) = match family {
            Family::Amr => ("redisenterprise", "emulated"),
            Family::Classic => ("redis", "emulated"),
        };
        let rest = match parts.as_slice() {
            ["subscriptions"] => return Some(Self::Subscriptions),
            ["subscriptions", subscription, rest @ ..] if *subscription == SUBSCRIPTION => rest,
            _ => return None,
        };
        let rest = match rest {
            ["providers", "microsoft.cache", "locations", _, "operationsstatus", operation] => {
                return Some(Self::Operation((*operation).to_owned()));
            }
            ["providers", "microsoft.cache", asked @ ("redis" | "redisenterprise")] => {
                return Some(Self::Caches(*asked == kind));
            }
            ["resourcegroups", group, "providers", "microsoft.cache", asked, cache, rest @ ..]
                if *group == GROUP && *asked == kind && *cache == name =>
            {
                rest
            }
            _ => return None,
        };
        let of_database = match (family, rest) {
            (Family::Amr, ["databases", "default", rest @ ..]) => Some(rest),
            (Family::Classic, rest) => Some(rest),
            _ => None,
        };
        match (rest, of_database) {
            ([], _) => Some(Self::Cache),
            (["providers", "microsoft.authorization", "roleassignments"], _) => Some(Self::Roles),
            (["providers", "microsoft.insights", "metrics"], _) => Some(Self::Metrics),
            (_, Some([])) => Some(Self::Database),
            (_, Some(["accesspolicyassignments"])) => Some(Self::Assignments),
            (_, Some(["accesspolicies"])) if family == Family::Classic => Some(Self::Policies),
            (_, Some(["accesspolicies", _])) if family == Family::Classic => {
                let name = path.trim_matches('/').rsplit('/').next()?;
                Some(Self::Policy(name.to_owned()))
            }
            (_, Some(["accesspolicyassignments", _])) => {
                let name = path.trim_matches('/').rsplit('/').next()?; // as it was written
                Some(Self::Assignment(name.to_owned()))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_what_exists_and_nothing_else() {
        let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.Cache");
        let (amr, classic) = (format!("{group}/redisEnterprise/emulated"), format!("{group}/Redis/emulated"));
        let read = |path: &str, family| Asked::read(path, family);
        assert_eq!(read("/subscriptions", Family::Amr), Some(Asked::Subscriptions));
        assert_eq!(read(&amr, Family::Amr), Some(Asked::Cache));
        assert_eq!(read(&amr, Family::Classic), None);
        assert_eq!(read(&classic, Family::Classic), Some(Asked::Cache));
        assert_eq!(read(&format!("{amr}/databases/default"), Family::Amr), Some(Asked::Database));
        let name = format!("{amr}/databases/default/accessPolicyAssignments/App1");
        assert_eq!(read(&name, Family::Amr), Some(Asked::Assignment("App1".to_owned())));
        let assignments = format!("{classic}/accessPolicyAssignments");
        assert_eq!(read(&assignments, Family::Classic), Some(Asked::Assignments));
        let metrics = format!("{classic}/providers/Microsoft.Insights/metrics");
        assert_eq!(read(&metrics, Family::Classic), Some(Asked::Metrics));
        for none in ["/subscriptions/other/providers/Microsoft.Cache/redis", &format!("{amr}/other"), &group]
        {
            assert_eq!(read(none, Family::Amr), None, "{none}");
        }
    }
}
