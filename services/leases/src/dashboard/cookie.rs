//! The session's cookie.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use zeroize::Zeroizing;

/// How a request came, besides over TCP.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transport {
    pub(crate) is_tls: bool,
    /// The port that it came to: a browser keeps one cookie for all ports of a host, and two services may be on one.
    pub(crate) port: u16,
}

impl Transport {
    /// `__Host-` binds a cookie to this very host, and browsers take it over TLS only.
    /// <https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#name-the-__host-prefix>
    fn name(self) -> String {
        let prefix = if self.is_tls { "__Host-" } else { "" };
        format!("{prefix}entrakey-session-{}", self.port)
    }

    /// The header that sets it. It ends with the browser, and sooner where the service says so.
    pub(super) fn set(self, id: &str) -> Zeroizing<String> {
        Zeroizing::new(format!("{}={id}{}", self.name(), self.attributes()))
    }

    /// The header that takes it away.
    pub(super) fn unset(self) -> String {
        format!("{}=; Max-Age=0{}", self.name(), self.attributes())
    }

    fn attributes(self) -> &'static str {
        match self.is_tls {
            true => "; Path=/; HttpOnly; SameSite=Strict; Secure",
            false => "; Path=/; HttpOnly; SameSite=Strict",
        }
    }

    /// The session that a request names. One that names two names none: somebody else has set one of them.
    pub(super) fn read(self, headers: &HeaderMap) -> Option<Zeroizing<String>> {
        let name = self.name();
        let all = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
        let pairs = all.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut ours = pairs.filter(|(mine, _)| *mine == name).map(|(_, id)| id);
        match (ours.next(), ours.next()) {
            (Some(id), None) => Some(Zeroizing::new(id.to_owned())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn read(transport: Transport, cookies: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(COOKIE, HeaderValue::from_str(cookie).unwrap());
        }
        transport.read(&headers).map(|id| id.to_string())
    }

    #[test]
    fn over_tls_it_is_bound_to_the_host() {
        let (plain, tls) = (Transport { is_tls: false, port: 1 }, Transport { is_tls: true, port: 2 });
        let set = tls.set("x");
        assert_eq!(*set, "__Host-entrakey-session-2=x; Path=/; HttpOnly; SameSite=Strict; Secure");
        assert_eq!(*plain.set("x"), "entrakey-session-1=x; Path=/; HttpOnly; SameSite=Strict");
        assert!(tls.unset().contains("Max-Age=0") && tls.unset().ends_with("Secure"));
        assert_eq!(
            read(tls, &["entrakey-session-2=x"]),
            None,
            "without the prefix any page of the domain may set it"
        );
        assert_eq!(read(tls, &["a=b; __Host-entrakey-session-2=x"]).as_deref(), Some("x"));
        assert_eq!(read(plain, &["a=b", "entrakey-session-1=y; c=d"]).as_deref(), Some("y"));
        assert_eq!(read(plain, &["entrakey-session-1=y; entrakey-session-1=z"]), None);
        assert_eq!(read(plain, &["entrakey-session-3=y"]), None);
    }
}
