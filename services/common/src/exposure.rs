//! Who can reach a socket: what listens beyond this machine must not let everybody use an identity.

use std::fmt;
use std::net::IpAddr;

/// What protects an address that a service listens on.
#[derive(Clone, Copy, Debug)]
pub struct Exposure {
    /// Where it listens.
    pub address: IpAddr,
    /// Whether clients speak TLS to it.
    pub has_tls: bool,
    /// Whether clients have to know a password.
    pub has_password: bool,
}

/// An address beyond loopback that anybody may use, or listen in on.
#[derive(Debug, PartialEq, Eq)]
pub struct TooExposed(String);

impl fmt::Display for TooExposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TooExposed {}

impl Exposure {
    /// Refuses what can be reached from other machines without TLS and a password.
    ///
    /// # Errors
    /// Names what is missing.
    pub fn check(self) -> Result<(), TooExposed> {
        if self.address.to_canonical().is_loopback() {
            return Ok(());
        }
        let (missing, cause) = match (self.has_tls, self.has_password) {
            (true, true) => return Ok(()),
            (true, false) => ("--password-file", "anybody could use this identity"),
            (false, true) => {
                ("--tls-certificate and --tls-key", "anybody on the way could read the password and the data")
            }
            (false, false) => {
                ("--tls-certificate, --tls-key and --password-file", "anybody could use this identity")
            }
        };
        Err(TooExposed(format!(
            "{} can be reached from other machines, and {cause}: give {missing}, or listen on 127.0.0.1 or a Unix socket. \
             (--insecure-bind does it all the same.)",
            self.address
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_loopback_it_takes_tls_and_a_password() {
        let check = |address: &str, has_tls, has_password| {
            Exposure { address: address.parse().unwrap(), has_tls, has_password }.check()
        };
        for loopback in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(check(loopback, false, false), Ok(()), "{loopback}");
        }
        for beyond in ["0.0.0.0", "::", "10.0.0.4", "::ffff:0.0.0.0"] {
            assert_eq!(check(beyond, true, true), Ok(()), "{beyond}");
            assert!(
                check(beyond, true, false).unwrap_err().0.contains("give --password-file, or"),
                "{beyond}"
            );
            assert!(
                check(beyond, false, true)
                    .unwrap_err()
                    .0
                    .contains("give --tls-certificate and --tls-key, or")
            );
            assert!(check(beyond, false, false).unwrap_err().0.contains("--insecure-bind"), "{beyond}");
        }
    }
}
