//! Which of Azure's caches a host name belongs to.

/// The caches differ in ports, commands of `az` and private zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Azure Managed Redis, and the Enterprise tiers that it came from.
    Managed,
    /// Azure Cache for Redis: Basic, Standard, Premium.
    Classic,
    /// The name is none of Azure's: an address, a name of one's own.
    Unknown,
}

/// In every cloud, the longer before what it ends with.
const SUFFIXES: [(&str, Family); 7] = [
    (".redis.azure.net", Family::Managed),
    (".redis.chinacloudapi.cn", Family::Managed),
    (".redis.usgovcloudapi.net", Family::Managed),
    (".redisenterprise.cache.azure.net", Family::Managed),
    (".redis.cache.windows.net", Family::Classic),
    (".redis.cache.chinacloudapi.cn", Family::Classic),
    (".redis.cache.usgovcloudapi.net", Family::Classic),
];

/// The port on which Azure Managed Redis answers.
pub(crate) const MANAGED_PORT: u16 = 10_000;
/// The TLS port of Azure Cache for Redis.
pub(crate) const CLASSIC_PORT: u16 = 6380;
/// Its port without TLS.
pub(crate) const PLAIN_PORT: u16 = 6379;

impl Family {
    /// By the name, or by the port: after Microsoft's migration a classic name leads to Azure Managed Redis.
    pub(crate) fn of(host: &str, port: Option<u16>) -> Self {
        let host = without_dot(host).to_ascii_lowercase();
        let by_name = SUFFIXES.iter().find(|(suffix, _)| host.ends_with(suffix));
        match (by_name, port) {
            (Some((_, Self::Classic)), Some(MANAGED_PORT)) => Self::Managed,
            (Some((_, family)), _) => *family,
            (None, Some(MANAGED_PORT)) => Self::Managed,
            (None, Some(CLASSIC_PORT | PLAIN_PORT)) => Self::Classic,
            (None, _) => Self::Unknown,
        }
    }

    pub(crate) fn port(self) -> u16 {
        match self {
            Self::Classic => CLASSIC_PORT,
            Self::Managed | Self::Unknown => MANAGED_PORT,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Managed => "Azure Managed Redis",
            Self::Classic => "Azure Cache for Redis",
            Self::Unknown => "unknown",
        }
    }
}

/// A name that ends with a dot is looked up as it is, and by no search list (Kubernetes has a long one). It is the same name.
pub(crate) fn without_dot(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// The private zone of the name, and what the name is called in it.
pub(crate) fn private_name(host: &str) -> Option<(String, String)> {
    let host = without_dot(host);
    let (suffix, _) = SUFFIXES.iter().find(|(suffix, _)| host.ends_with(suffix))?;
    let zone = format!("privatelink{suffix}");
    let label = host.strip_suffix(suffix)?;
    Some((format!("{label}.{zone}"), zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_or_else_a_port_tells_the_family() {
        for (host, port, family) in [
            ("c.westeurope.redis.azure.net", None, Family::Managed),
            ("c.redisenterprise.cache.azure.net", Some(10_000), Family::Managed),
            ("c.redis.cache.windows.net", Some(6380), Family::Classic),
            ("c.redis.cache.windows.net", Some(10_000), Family::Managed),
            ("C.Redis.Cache.Windows.Net.", None, Family::Classic),
            ("localhost", Some(6380), Family::Classic),
            ("localhost", Some(4711), Family::Unknown),
        ] {
            assert_eq!(Family::of(host, port), family, "{host} {port:?}");
        }
    }

    #[test]
    fn a_private_name_is_the_name_in_the_zone_of_its_suffix() {
        let (name, zone) = private_name("c.westeurope.redis.azure.net").unwrap();
        assert_eq!(name, "c.westeurope.privatelink.redis.azure.net");
        assert_eq!(zone, "privatelink.redis.azure.net");
        assert_eq!(private_name("c.westeurope.redis.azure.net."), Some((name, zone)), "an absolute name");
        assert_eq!(private_name("10.0.0.4"), None);
    }
}
