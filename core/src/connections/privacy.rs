//! May a token go over this connection? Whoever reads it can use it for its hour.

use crate::error::{Error, ErrorKind, Result};
use std::net::IpAddr;

/// Refuses a connection without TLS that leaves this machine. `peer`: the host or address at its other end; `name`: the
/// same as the user wrote it; `remedy`: how the user's client switches TLS on, for the message. Resolves no name.
///
/// # Errors
/// `INVALID_CONFIG`.
pub fn check_plaintext(peer: &str, name: &str, remedy: &str) -> Result<()> {
    if is_this_machine(peer) {
        return Ok(());
    }
    let message =
        format!("The connection to {name} has no TLS, and whoever reads a token can use it: {remedy}.");
    Err(Error::new(ErrorKind::InvalidConfig, message))
}

fn is_this_machine(peer: &str) -> bool {
    let host = peer.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(peer);
    let host = host.split('%').next().unwrap_or(host); // an IPv6 address may name its interface
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_reached_without_tls() {
        for host in [
            "localhost",
            "LocalHost",
            "127.0.0.1",
            "127.8.9.10",
            "::1",
            "[::1]",
            "::1%lo",
            "::ffff:127.0.0.1",
            "[::ffff:7f00:1]",
        ] {
            assert!(check_plaintext(host, host, "").is_ok(), "{host}");
        }
        for host in [
            "",
            "cache.example.com",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "127.1",
            "10.0.0.4",
            "0.0.0.0",
            "::",
            "::2",
            "fe80::1%eth0",
            "::ffff:10.0.0.4",
        ] {
            assert!(check_plaintext(host, host, "").is_err(), "{host}");
        }
        let error = check_plaintext("192.0.2.7", "cache.example.com", "pass ssl=True").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert_eq!(
            error.message(),
            "The connection to cache.example.com has no TLS, and whoever reads a token can use it: pass ssl=True."
        );
    }
}
