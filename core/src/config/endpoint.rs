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
    if parsed.as_ref().is_some_and(has_no_such_port) {
        return Err(Error::invalid_config(format!(
            "{key} has a port that there is not: 1 to 65535, or none."
        )));
    }
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

/// Whether something else than the number of a port is written where that goes. `Uri` takes it, and knows no port then.
fn has_no_such_port(uri: &Uri) -> bool {
    let address = uri.authority().map_or("", |authority| authority.as_str());
    let after_host =
        address.rsplit('@').next().zip(uri.host()).and_then(|(all, host)| all.strip_prefix(host));
    let is_written = after_host.is_some_and(|rest| rest.len() > 1);
    is_written && uri.port_u16().is_none_or(|port| port == 0)
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
    fn a_port_is_one_that_there_is() {
        let check = |url| check_endpoint("authority_host", url, Scheme::HttpsOnly).map_err(|e| e.to_string());
        for url in
            ["https://a.example", "https://a.example:443", "https://a.example:", "https://[::1]:8443/x"]
        {
            assert_eq!(check(url), Ok(()), "{url}");
        }
        for url in [
            "https://a.example:99999",
            "https://a.example:0",
            "https://[::1]:65536",
            "https://a.example:70000/x",
        ] {
            assert!(check(url).unwrap_err().contains("1 to 65535"), "{url}");
        }
    }

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
