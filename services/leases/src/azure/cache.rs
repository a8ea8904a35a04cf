//! The resource id of a cache.

/// Azure Managed Redis or Azure Cache for Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// `/subscriptions/…`
    pub id: String,
    /// Whether it is Azure Managed Redis.
    pub is_managed: bool,
}

impl Cache {
    /// # Errors
    /// What a resource id looks like.
    pub fn of_id(id: &str) -> Result<Self, String> {
        const WHAT: &str = "cache must be the resource id of a cache: /subscriptions/SUBSCRIPTION/resourceGroups/GROUP/\
                            providers/Microsoft.Cache/redisEnterprise/NAME, or …/redis/NAME";
        let id = id.trim_end_matches('/');
        let fits = |c: char| c.is_alphanumeric() || "-_.()/".contains(c);
        let parts: Vec<_> = id.split('/').collect();
        let ["", subscriptions, one, groups, two, providers, provider, kind, three] = parts.as_slice() else {
            return Err(WHAT.to_owned());
        };
        let words = [
            (subscriptions, "subscriptions"),
            (groups, "resourceGroups"),
            (providers, "providers"),
            (provider, "Microsoft.Cache"),
        ];
        let is_one = words.iter().all(|(part, word)| part.eq_ignore_ascii_case(word))
            && id.chars().all(fits)
            && ![one, two, three].iter().any(|part| part.is_empty() || part.starts_with('.'));
        match (is_one, kind.to_ascii_lowercase().as_str()) {
            (true, "redisenterprise") => Ok(Self { id: id.to_owned(), is_managed: true }),
            (true, "redis") => Ok(Self { id: id.to_owned(), is_managed: false }),
            _ => Err(WHAT.to_owned()),
        }
    }

    /// Where its assignments are: what follows the address of Azure Resource Manager.
    #[must_use]
    pub fn assignments(&self) -> String {
        let database = if self.is_managed { "/databases/default" } else { "" };
        format!("{}{database}/accessPolicyAssignments", self.id)
    }

    /// The version of the API for them. Of Azure Managed Redis it is the first that knows `accessString`.
    #[must_use]
    pub fn api_version(&self) -> &'static str {
        if self.is_managed { "2026-08-01" } else { "2024-11-01" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_id_of_a_cache_is_taken() {
        let of = |tail: &str| Cache::of_id(&format!("/subscriptions/s/resourceGroups/g/providers/{tail}"));
        assert!(of("Microsoft.Cache/redisEnterprise/orders").unwrap().is_managed);
        assert!(!of("Microsoft.Cache/Redis/orders/").unwrap().is_managed);
        for tail in [
            "Microsoft.Cache/redis",
            "Microsoft.Cache/redis/..",
            "Microsoft.Sql/redis/x",
            "Microsoft.Cache/redis/a?b",
        ] {
            assert!(of(tail).is_err(), "{tail}");
        }
    }
}
