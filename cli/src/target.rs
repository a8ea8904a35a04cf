//! `HOST[:PORT]`: which Redis is meant.

use crate::family::Family;
use std::fmt;
use std::str::FromStr;

/// A Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, port) = split(text)?;
        let port = port.or_else(|| match Family::of(&host, None) {
            Family::Unknown => None,
            family => Some(family.port()),
        });
        let what = "give its TLS port as well, HOST:PORT: 10000 is Azure Managed Redis's, 6380 Azure Cache for Redis's";
        Ok(Self { host, port: port.ok_or(what)? })
    }
}

/// `HOST`, `HOST:PORT`, `[ADDRESS]:PORT`; an address of IPv6 may stand by itself. No error repeats what was given: somebody may
/// have pasted a URL with a password.
pub(crate) fn split(text: &str) -> Result<(String, Option<u16>), String> {
    if text.contains("://") || text.contains('@') || text.contains('/') {
        return Err("give the host and its port only, HOST:PORT, and no URL".to_owned());
    }
    let (host, port) = match text.rsplit_once(':') {
        // Of an IPv6 address only what is behind its brackets is a port.
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let is_of_a_host = |c: char| c.is_ascii_alphanumeric() || "-_.:%".contains(c);
    if !host.is_ascii() {
        return Err(
            "a host's name has letters of English only: give this one as DNS has it, xn--…".to_owned()
        );
    }
    if host.is_empty() || !host.chars().all(is_of_a_host) {
        return Err("a host is needed: HOST:PORT".to_owned());
    }
    let number = |port: &str| {
        port.parse().ok().filter(|port| *port != 0).ok_or("the port must be a number from 1 to 65535")
    };
    Ok((host.to_owned(), port.map(number).transpose()?))
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&joined(&self.host, self.port))
    }
}

/// As [`split`] reads it.
pub(crate) fn joined(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
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
    fn a_port_may_be_missing_and_what_a_shell_would_run_is_no_host() {
        let read = |text: &str| split(text).ok();
        assert_eq!(read("c.example"), Some(("c.example".to_owned(), None)));
        assert_eq!(read("c.example:10000"), Some(("c.example".to_owned(), Some(10_000))));
        assert_eq!(read("[::1]:6380"), Some(("::1".to_owned(), Some(6380))));
        assert_eq!(read("::1"), Some(("::1".to_owned(), None)));
        for wrong in ["", ":1", "c:port", "a b", "redis://c", "c;reboot", "$(id)"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert!(
            split("münchen.example:6380").unwrap_err().contains("xn--"),
            "it was said that a host is needed"
        );
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
            ("cache;reboot", "a host is needed"),
            ("$(id)", "a host is needed"),
            ("a b", "a host is needed"),
        ] {
            let said = given.parse::<Target>().unwrap_err();
            assert!(said.contains(part) && !said.contains("hunter2"), "{given}: {said}");
        }
    }
}
