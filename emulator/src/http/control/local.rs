//! The control API is for programs of this machine, and for no web page. A page sends its `Origin`, or a body of one of
//! the types that need no permission; a page whose name was made to lead here sends that name as `Host`.

use super::answer::refuse;
use axum::body::HttpBody as _;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use std::net::IpAddr;

const SITE: &str = "sec-fetch-site";

pub(super) async fn only(request: Request, next: Next) -> Response {
    match refusal(&request) {
        None => next.run(request).await,
        Some((status, reason)) => refuse(status, reason),
    }
}

fn refusal(request: &Request) -> Option<(StatusCode, &'static str)> {
    let headers = request.headers();
    if !is_addressed_here(request) {
        return Some((
            StatusCode::FORBIDDEN,
            "the Host of the request is not this machine: address the control API by 127.0.0.1 or localhost",
        ));
    }
    if comes_from_a_page(headers) {
        return Some((
            StatusCode::FORBIDDEN,
            "the request comes from a web page, which may not use the control API",
        ));
    }
    if !request.body().is_end_stream() && !is_json(headers) {
        return Some((
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body has to be JSON: send Content-Type: application/json (curl --json does)",
        ));
    }
    None
}

/// Every name that the request gives the server is one of this machine's.
fn is_addressed_here(request: &Request) -> bool {
    let named = request.headers().get_all(HOST);
    let hosts = named.iter().map(|host| Authority::try_from(host.as_bytes()).ok());
    let hosts: Vec<_> = request.uri().authority().cloned().map(Some).into_iter().chain(hosts).collect();
    !hosts.is_empty() && hosts.iter().all(|host| host.as_ref().is_some_and(is_local))
}

fn is_local(authority: &Authority) -> bool {
    let host = authority.host();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let local = host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    local && !authority.as_str().contains('@')
}

/// Nothing that the emulator serves is a page, so that no page is its own.
fn comes_from_a_page(headers: &HeaderMap) -> bool {
    // "none" is what a person types into a browser.
    headers.contains_key(ORIGIN) || headers.get_all(SITE).iter().any(|site| site != "none")
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let essence = types.next().and_then(|kind| kind.to_str().ok()?.split(';').next()).unwrap_or_default();
    types.next().is_none() && essence.trim().eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn status(headers: &[(&str, &str)], body: &'static str) -> Option<u16> {
        let mut request = axum::http::Request::post("/emulator/clock");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        refusal(&request.body(Body::from(body)).unwrap()).map(|(status, _)| status.as_u16())
    }

    #[test]
    fn a_request_has_to_be_addressed_to_this_machine() {
        for host in
            ["127.0.0.1:8080", "127.0.0.1", "localhost:8080", "LOCALHOST", "[::1]:8080", "127.9.9.9:1"]
        {
            assert_eq!(status(&[("host", host)], ""), None, "{host}");
        }
        for host in [
            "evil.example:8080",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "localhost@evil.example",
            "evil.example@localhost",
            "10.0.0.1",
            "0.0.0.0",
            "",
            "[::1",
        ] {
            assert_eq!(status(&[("host", host)], ""), Some(403), "{host}");
        }
        assert_eq!(status(&[], ""), Some(403));
        assert_eq!(status(&[("host", "localhost"), ("host", "evil.example")], ""), Some(403));
    }

    #[test]
    fn no_page_drives_the_emulator() {
        let local = ("host", "localhost:8080");
        for origin in ["https://evil.example", "null", "http://localhost:3000", "http://localhost:8080"] {
            assert_eq!(status(&[local, ("origin", origin)], ""), Some(403), "{origin}");
        }
        for site in ["cross-site", "same-site", "same-origin"] {
            assert_eq!(status(&[local, ("sec-fetch-site", site)], ""), Some(403), "{site}");
        }
        assert_eq!(status(&[local, ("sec-fetch-site", "none")], ""), None);
    }

    #[test]
    fn a_body_has_to_be_declared_as_json() {
        let local = ("host", "localhost:8080");
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
        {
            assert_eq!(status(&[local, ("content-type", kind)], "{}"), Some(415), "{kind}");
        }
        assert_eq!(status(&[local], "{}"), Some(415));
        for kind in ["application/json", "Application/JSON; charset=utf-8"] {
            assert_eq!(status(&[local, ("content-type", kind)], "{}"), None, "{kind}");
        }
        assert_eq!(status(&[local, ("content-type", "text/plain")], ""), None, "nothing is in it");
    }
}
