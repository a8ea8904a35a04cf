//! `NO_PROXY`: which servers are asked directly.

use azure_core::http::Url;
use std::net::IpAddr;

/// The servers that a list names.
pub(super) struct Exceptions(Vec<Exception>);

#[derive(Debug, PartialEq, Eq)]
struct Exception {
    pattern: Pattern,
    /// None: any port.
    port: Option<u16>,
}

#[derive(Debug, PartialEq, Eq)]
enum Pattern {
    Any,
    /// The name itself and all names below it.
    Name(String),
    /// Addresses whose first bits are these.
    Network(IpAddr, u32),
}

impl Exceptions {
    /// Entries stand between commas, blanks, or both. An entry of another form matches nothing, as in curl and requests.
    pub(super) fn parse(list: &str) -> Self {
        let entries = list.split(|c: char| c == ',' || c.is_whitespace());
        Self(entries.filter_map(Exception::parse).collect())
    }

    /// Whether an exception means that address. No name is resolved for this.
    pub(super) fn hold(&self, url: &Url) -> bool {
        let Some(hostname) = url.host_str() else { return false };
        let (hostname, port) = (normalize(hostname), url.port_or_known_default());
        let address: Option<IpAddr> = hostname.parse().ok();
        self.0.iter().any(|exception| {
            let fits = match (&exception.pattern, address) {
                (Pattern::Any, _) => true,
                (Pattern::Network(network, bits), Some(address)) => is_in(address, *network, *bits),
                (Pattern::Name(name), None) => hostname.strip_suffix(name.as_str()).is_some_and(is_whole),
                _ => false,
            };
            fits && (exception.port.is_none() || exception.port == port)
        })
    }
}

impl Exception {
    fn parse(entry: &str) -> Option<Self> {
        let any_port = |pattern| Some(Self { pattern, port: None });
        if entry == "*" {
            return any_port(Pattern::Any);
        }
        if let Some((network, bits)) = entry.split_once('/') {
            let (network, bits) = (normalize(network).parse().ok()?, bits.parse().ok()?);
            return (bits <= width(network))
                .then_some(Self { pattern: Pattern::Network(network, bits), port: None });
        }
        if let Ok(address) = normalize(entry).parse() {
            return any_port(Pattern::Network(address, width(address)));
        }
        let (name, port) = match entry.rsplit_once(':') {
            Some((name, port)) => (name, Some(port.parse().ok()?)),
            None => (entry, None),
        };
        let pattern = match normalize(name).parse() {
            Ok(address) => Pattern::Network(address, width(address)),
            Err(_) => Pattern::Name(below(&normalize(name))?),
        };
        Some(Self { pattern, port })
    }
}

/// A server's name as names are compared: without brackets and the root's dot, in small letters.
fn normalize(hostname: &str) -> String {
    let hostname = hostname.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hostname);
    hostname.strip_suffix('.').unwrap_or(hostname).to_ascii_lowercase()
}

/// `.example.com` and `*.example.com` are `example.com`.
fn below(name: &str) -> Option<String> {
    let name = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
    Some(name.trim_start_matches('.').to_owned()).filter(|name| !name.is_empty())
}

/// Whether what stands before a suffix leaves it whole labels.
fn is_whole(before: &str) -> bool {
    before.is_empty() || before.ends_with('.')
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn is_in(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    let differ = match (address.to_canonical(), network) {
        (IpAddr::V4(a), IpAddr::V4(b)) => u128::from(a.to_bits() ^ b.to_bits()) << 96,
        (IpAddr::V6(a), IpAddr::V6(b)) => a.to_bits() ^ b.to_bits(),
        _ => return false,
    };
    differ.leading_zeros() >= bits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The entries of which each alone makes the address direct.
    fn holding<'e>(entries: &[&'e str], address: &str) -> Vec<&'e str> {
        let url = address.parse().unwrap();
        entries.iter().copied().filter(|entry| Exceptions::parse(entry).hold(&url)).collect()
    }

    #[test]
    fn a_name_means_itself_and_what_is_below_it() {
        let for_any_port = [
            "login.example.com",
            "example.com",
            ".example.com",
            "*.example.com",
            "LOGIN.Example.com.",
            "*",
            "com",
        ];
        let for_a_port = ["login.example.com:443", "example.com:8443"];
        let for_others = [
            "ample.com",
            "gin.example.com",
            "example",
            "",
            "*.com.example",
            "https://login.example.com",
            "example.com/24",
            "*example.com",
            ".",
            "*.",
        ];
        let entries = [&for_any_port[..], &for_a_port, &for_others].concat();
        let holding_at = |address, port| {
            assert_eq!(holding(&entries, address), [&for_any_port[..], &[port]].concat(), "{address}");
        };
        holding_at("https://login.example.com", "login.example.com:443");
        holding_at("https://login.example.com:8443/x", "example.com:8443");
        assert_eq!(
            holding(&[".example.com", "*.example.com"], "https://example.com.").len(),
            2,
            "also itself"
        );
    }

    #[test]
    fn an_address_means_itself_and_a_network_all_in_it() {
        let entries = [
            "10.1.2.3",
            "10.1.0.0/16",
            "10.1.2.3/32",
            "0.0.0.0/0",
            "10.1.2.3:443",
            "10.1.2.3:80",
            "10.2.0.0/16",
            "2.3",
            "10.1.2.3/33",
            "10.1.2.3/",
            "10.1.2.3/x",
            "::/0",
            "10.1.2.2/31",
            "10.1.2.4/31",
            "[10.1.2.3]",
        ];
        assert_eq!(
            holding(&entries, "https://10.1.2.3"),
            [
                "10.1.2.3",
                "10.1.0.0/16",
                "10.1.2.3/32",
                "0.0.0.0/0",
                "10.1.2.3:443",
                "10.1.2.2/31",
                "[10.1.2.3]"
            ]
        );
        let entries = [
            "fd00::7",
            "[fd00::7]",
            "[fd00::7]:443",
            "[fd00::7]:80",
            "FD00:0::7",
            "fd00::/8",
            "[fd00::]/8",
            "fe80::/10",
            "0.0.0.0/0",
            "::/0",
            "fd00::7/129",
        ];
        assert_eq!(
            holding(&entries, "https://[fd00::7]/"),
            ["fd00::7", "[fd00::7]", "[fd00::7]:443", "FD00:0::7", "fd00::/8", "[fd00::]/8", "::/0"]
        );
        assert_eq!(holding(&["10.0.0.0/8"], "https://[::ffff:10.1.2.3]"), ["10.0.0.0/8"], "the same address");
        assert!(
            holding(&["127.0.0.1", "127.0.0.0/8"], "https://localhost").is_empty(),
            "no name is resolved"
        );
    }

    #[test]
    fn commas_and_blanks_both_part_entries() {
        for list in
            ["a.example, login.example", "a.example login.example", " ,,a.example ,\tlogin.example,", "a,*"]
        {
            assert!(Exceptions::parse(list).hold(&"https://login.example".parse().unwrap()), "{list}");
        }
        assert!(!Exceptions::parse("").hold(&"https://login.example".parse().unwrap()));
    }
}
