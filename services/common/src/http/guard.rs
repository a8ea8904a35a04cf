//! Web pages must not ask: a page of any site that somebody looks at on this machine can reach loopback, by its own
//! requests or by a name of its own that suddenly stands for 127.0.0.1 (DNS rebinding).

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN, REFERER};
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::net::{IpAddr, SocketAddr};

/// Why a request is not answered where secrets are: a web page has caused it, or another server passes it on, which may
/// do so for anybody. `listening` is the port that it came to; of a Unix socket none, where every name does.
#[must_use]
pub fn of_another(listening: Option<SocketAddr>, uri: &Uri, headers: &HeaderMap) -> Option<&'static str> {
    let names = headers.keys().map(HeaderName::as_str);
    if names.into_iter().any(|name| name == "forwarded" || name.starts_with("x-forwarded-") || name == "via")
    {
        return Some("Requests that another server passes on are not answered.");
    }
    // Not even those of a page that somebody has typed the address of. Browsers say the mode, the site and the destination
    // together; Node.js' fetch, by which MSAL asks, says the mode and nothing else.
    if headers.keys().any(|name| OF_A_BROWSER.contains(&name.as_str())) {
        return Some(OF_A_PAGE);
    }
    match listening {
        Some(address) => refusal(address, uri, headers),
        None if headers.contains_key(ORIGIN) || headers.contains_key(REFERER) => Some(OF_A_PAGE),
        None => None,
    }
}

const OF_A_BROWSER: [&str; 4] =
    ["sec-fetch-site", "sec-fetch-dest", "sec-fetch-user", "sec-fetch-storage-access"];
const OF_A_PAGE: &str = "Web pages may not ask this.";

/// Lets a request through that no web page has caused.
pub(super) async fn guard(listening: SocketAddr, request: Request, next: Next) -> Response {
    match refusal(listening, request.uri(), request.headers()) {
        Some(reason) => (StatusCode::FORBIDDEN, format!("{reason}\n")).into_response(),
        None => next.run(request).await,
    }
}

/// Beyond loopback a service does not know by which names it is called; there the rest has to do.
fn refusal(listening: SocketAddr, uri: &Uri, headers: &HeaderMap) -> Option<&'static str> {
    // Older browsers say of a page's pictures and links no more than the page.
    if headers.contains_key(ORIGIN) || headers.contains_key(REFERER) || is_of_a_page(headers) {
        return Some(OF_A_PAGE);
    }
    let mut hosts = headers.get_all(HOST).iter();
    let host = match (uri.authority(), hosts.next(), hosts.next()) {
        (_, _, Some(_)) => return Some("There is more than one Host."),
        (Some(authority), _, _) => Some(authority.as_str()),
        (None, host, _) => host.and_then(|host| host.to_str().ok()),
    };
    let is_ours = !listening.ip().to_canonical().is_loopback()
        || host.is_some_and(|host| is_loopback(host, listening.port()));
    (!is_ours).then_some("Ask by 127.0.0.1, localhost or [::1], and the port.")
}

/// Browsers say what causes a request. `none` is somebody who typed the address.
fn is_of_a_page(headers: &HeaderMap) -> bool {
    headers.get_all("sec-fetch-site").iter().any(|site| site != "none")
}

fn is_loopback(host: &str, port: u16) -> bool {
    let (name, given) = match host.rsplit_once(':') {
        Some((name, digits)) if !digits.ends_with(']') => (name, digits.parse().ok()),
        _ => (host, Some(80)),
    };
    let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    let is_here = bare.eq_ignore_ascii_case("localhost")
        || bare.parse().is_ok_and(|ip: IpAddr| ip.to_canonical().is_loopback());
    is_here && given == Some(port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn asked(listening: &str, headers: &[(&'static str, &'static str)]) -> Option<&'static str> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        refusal(listening.parse().unwrap(), &Uri::from_static("/metrics"), &map)
    }

    #[test]
    fn only_names_of_loopback_with_the_port_lead_here() {
        for host in ["127.0.0.1:9090", "localhost:9090", "LOCALHOST:9090", "[::1]:9090"] {
            assert_eq!(asked("127.0.0.1:9090", &[("host", host)]), None, "{host}");
        }
        for host in
            ["evil.example:9090", "127.0.0.1", "127.0.0.1:80", "localhost.evil.example:9090", "", "[::1]"]
        {
            assert!(asked("127.0.0.1:9090", &[("host", host)]).is_some(), "{host}");
        }
        assert!(asked("127.0.0.1:9090", &[]).is_some(), "no host at all");
        assert!(asked("127.0.0.1:9090", &[("host", "localhost:9090"), ("host", "evil.example")]).is_some());
        assert_eq!(asked("127.0.0.1:80", &[("host", "localhost")]), None);
        let mapped = "[::ffff:127.0.0.1]:9090";
        assert!(asked(mapped, &[("host", "evil.example:9090")]).is_some(), "IPv4's loopback by IPv6");
        assert_eq!(asked(mapped, &[("host", "[::ffff:127.0.0.1]:9090")]), None);
        assert_eq!(asked("10.0.0.4:9090", &[("host", "pod.example:9090")]), None, "a probe of Kubernetes");
    }

    #[test]
    fn what_a_page_of_another_site_asks_is_refused() {
        let host = ("host", "localhost:9091");
        for of_page in [
            ("origin", "null"),
            ("origin", "https://evil.example"),
            ("referer", "https://evil.example/page"),
            ("sec-fetch-site", "cross-site"),
        ] {
            assert!(asked("127.0.0.1:9091", &[host, of_page]).is_some(), "{of_page:?}");
            assert!(asked("10.0.0.4:9091", &[host, of_page]).is_some(), "{of_page:?}");
        }
        assert_eq!(asked("127.0.0.1:9091", &[host, ("sec-fetch-site", "none")]), None, "typed by a person");
    }

    #[test]
    fn where_secrets_are_nothing_is_passed_on_and_no_page_asks() {
        let asked = |listening: Option<&str>, name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.append("host", HeaderValue::from_static("localhost:8441"));
            headers.append(name, HeaderValue::from_static(value));
            let listening = listening.map(|address| address.parse().unwrap());
            of_another(listening, &Uri::from_static("/msi/token"), &headers)
        };
        for listening in [Some("127.0.0.1:8441"), None] {
            assert_eq!(asked(listening, "accept", "*/*"), None);
            assert_eq!(asked(listening, "sec-fetch-mode", "cors"), None, "Node.js' fetch");
            for (name, value) in [
                ("origin", "null"),
                ("referer", "https://evil.example/"),
                ("sec-fetch-site", "none"),
                ("sec-fetch-dest", "empty"),
                ("sec-fetch-user", "?1"),
                ("x-forwarded-for", "10.0.0.7"),
                ("x-forwarded-host", "localhost:8441"),
                ("forwarded", "for=10.0.0.7"),
                ("via", "1.1 squid"),
            ] {
                assert!(asked(listening, name, value).is_some(), "{name} {listening:?}");
            }
        }
        assert!(asked(Some("127.0.0.1:8441"), "host", "evil.example:8441").is_some());
    }
}
