//! `HOST[:PORT]`: which Redis is meant.

use std::fmt;
use std::str::FromStr;

/// A Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
}

/// The TLS ports of Azure's services, by what their host names end with.
const PORTS: &[(&str, u16)] = &[
    (".redis.cache.windows.net", 6380),
    (".redis.cache.chinacloudapi.cn", 6380),
    (".redis.cache.usgovcloudapi.net", 6380),
    (".redis.azure.net", 10_000),
    (".redis.chinacloudapi.cn", 10_000),
    (".redis.usgovcloudapi.net", 10_000),
    (".redisenterprise.cache.azure.net", 10_000),
];

impl FromStr for Target {
    type Err = String;

    /// No error repeats what was given: somebody may have pasted a URL with a password.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains("://") || text.contains('@') || text.contains('/') {
            return Err("give the host and its port only, HOST:PORT, and no URL".to_owned());
        }
        let (host, port) = match text.rsplit_once(':') {
            // Of an IPv6 address only what is behind its brackets is a port.
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
            _ => (text, None),
        };
        let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err("a host is needed: HOST:PORT".to_owned());
        }
        let port = match port {
            Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or("the port must be a number from 1 to 65535")?,
            None => default_port(host).ok_or("give its TLS port as well, HOST:PORT: 10000 is Azure Managed Redis's, 6380 Azure Cache for Redis's")?,
        };
        Ok(Self { host: host.to_owned(), port })
    }
}

fn default_port(host: &str) -> Option<u16> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    PORTS.iter().find(|(suffix, _)| host.ends_with(suffix)).map(|(_, port)| *port)
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn azures_hosts_know_their_ports() {
        for (given, meant) in [
            ("c.westeurope.redis.azure.net", "c.westeurope.redis.azure.net:10000"),
            ("C.Redis.Cache.Windows.Net", "C.Redis.Cache.Windows.Net:6380"),
            ("c.eastus.redisenterprise.cache.azure.net", "c.eastus.redisenterprise.cache.azure.net:10000"),
            ("c.redis.cache.windows.net:15000", "c.redis.cache.windows.net:15000"),
            ("localhost:10000", "localhost:10000"),
            ("[::1]:6380", "[::1]:6380"),
        ] {
            assert_eq!(given.parse::<Target>().unwrap().to_string(), meant);
        }
    }

    #[test]
    fn what_is_no_host_is_refused_without_repeating_it() {
        for (given, part) in [
            ("cache.example.com", "10000"),
            ("::1", "port"),
            ("cache.example.com:", "1 to 65535"),
            ("cache.example.com:0", "1 to 65535"),
            ("cache.example.com:70000", "1 to 65535"),
            (":6380", "a host is needed"),
            ("cache\u{1b}[2K:6380", "a host is needed"),
            ("rediss://:hunter2@cache.example.com:6380", "no URL"),
            ("hunter2@cache.example.com:6380", "no URL"),
        ] {
            let said = given.parse::<Target>().unwrap_err();
            assert!(said.contains(part) && !said.contains("hunter2"), "{given}: {said}");
        }
    }
}
