//! Names become addresses: as `--resolve` says, else as the system does.

use crate::family::without_dot;
use std::collections::BTreeMap;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

/// A look-up of the system's has no deadline of its own.
const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, Default)]
pub(crate) struct Resolver {
    given: BTreeMap<String, Vec<IpAddr>>,
}

/// `NAME=ADDRESS`, as on the command line.
pub(crate) fn given(text: &str) -> Result<(String, IpAddr), String> {
    let (name, address) = text.split_once('=').ok_or("it is NAME=ADDRESS: cache.example=10.0.0.4")?;
    let address =
        address.trim_matches(['[', ']']).parse().map_err(|_| format!("{address} is no IP address"))?;
    Ok((key(name), address))
}

fn key(name: &str) -> String {
    without_dot(name).to_ascii_lowercase()
}

impl Resolver {
    pub(crate) fn new(pairs: &[(String, IpAddr)]) -> Self {
        let mut given: BTreeMap<String, Vec<IpAddr>> = BTreeMap::new();
        for (name, address) in pairs {
            given.entry(name.clone()).or_default().push(*address);
        }
        Self { given }
    }

    /// Whether `--resolve` says it.
    pub(crate) fn is_given(&self, name: &str) -> bool {
        self.given.contains_key(&key(name))
    }

    /// The addresses of a name; the error is a sentence without its end.
    pub(crate) fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        if let Ok(address) = name.parse() {
            return Ok(vec![address]);
        }
        if let Some(addresses) = self.given.get(&key(name)) {
            return Ok(addresses.clone());
        }
        let (sender, receiver) = sync_channel(1);
        let asked = name.to_owned();
        std::thread::spawn(move || {
            let found = (asked.as_str(), 0).to_socket_addrs();
            let found = found.map(|found| found.map(|address| address.ip()).collect::<Vec<_>>());
            let _ = sender.send(found.map_err(|error| error.to_string())); // nobody waits any more
        });
        let found = receiver.recv_timeout(TIMEOUT);
        let mut found = found.map_err(|_| format!("no answer within {} s", TIMEOUT.as_secs()))??;
        found.dedup();
        match found.is_empty() {
            true => Err("it has no address".to_owned()),
            false => Ok(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_with_a_dot_at_its_end() {
        let resolver = Resolver::new(&[given("C.example.=10.0.0.4").unwrap()]);
        for name in ["c.example", "c.example.", "C.EXAMPLE"] {
            assert_eq!(resolver.look_up(name), Ok(vec![IpAddr::from([10, 0, 0, 4])]), "{name}");
        }
        assert!(!resolver.is_given("c.example.."));
    }
}
