//! Which addresses may be sent a secret or asked for a token.

use crate::error::{Error, Result};
use ureq::http::Uri;

/// Which URLs a key accepts.
pub(super) enum Scheme {
    HttpsOnly,
    /// Managed identity endpoints speak plain http, and only on the machine itself or its own link.
    HttpNearby,
}

pub(super) fn check_endpoint(key: &str, value: &str, scheme: Scheme) -> Result<()> {
    let parsed: Option<Uri> = value.parse().ok();
    let (Some(given), Some(hostname)) =
        (parsed.as_ref().and_then(Uri::scheme_str), parsed.as_ref().and_then(Uri::host))
    else {
        return Err(Error::invalid_config(format!(
            "{key} must be a URL such as https://login.microsoftonline.com."
        )));
    };
    match (given, scheme) {
        ("https", _) => Ok(()),
        ("http", Scheme::HttpNearby) if is_nearby(hostname) => Ok(()),
        ("http", Scheme::HttpNearby) => Err(Error::invalid_config(format!(
            "{key} is plain http to {hostname}: a token must not cross a network unprotected. Use https, or a \
             loopback or link-local address."
        ))),
        _ => Err(Error::invalid_config(format!("{key} must start with https://: secrets are sent there."))),
    }
}

/// No endpoint hands out longer secrets, and servers refuse longer headers.
const MAX_HEADER_CHARS: usize = 8192;

/// Whether a secret can be sent in a header. The error does not show the secret.
pub(super) fn check_header(key: &str, secret: &str) -> Result<()> {
    let is_line_break = |c: char| matches!(c, '\r' | '\n');
    let reason = match secret.chars().find(|c| *c != ' ' && !c.is_ascii_graphic()) {
        Some(c) if is_line_break(c) => "it holds a line break: was it read from a file with its last one?",
        Some(_) => "it holds a control character or one beyond ASCII.",
        None if secret.len() > MAX_HEADER_CHARS => "it is too long.",
        None => return Ok(()),
    };
    Err(Error::invalid_config(format!(
        "{key} cannot be sent in a header: {reason} Set it to what the endpoint gave out."
    )))
}

/// Loopback and link-local addresses: what plain http may reach.
fn is_nearby(hostname: &str) -> bool {
    use std::net::IpAddr;
    match hostname.trim_start_matches('[').trim_end_matches(']').parse() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unicast_link_local(),
        Err(_) => hostname == "localhost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearby_is_loopback_or_link_local() {
        for hostname in ["127.0.0.1", "127.9.9.9", "[::1]", "localhost", "169.254.169.254", "[fe80::1]"] {
            assert!(is_nearby(hostname), "{hostname}");
        }
        for hostname in ["10.0.0.1", "127.0.0.1.example.com", "localhost.example.com", "[2001:db8::1]"] {
            assert!(!is_nearby(hostname), "{hostname}");
        }
    }
}
