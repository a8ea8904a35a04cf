//! The page's files. They are in the command: nothing is fetched from elsewhere.

use crate::api::nowhere;
use axum::extract::Path;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY};
use axum::response::Response;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_bytes!(concat!("../../dashboard/", $name)).as_slice())),*]
    };
}

/// By name.
const FILES: [(&str, &[u8]); 20] = files![
    "index.html",
    "style.css",
    "icon.svg",
    "app.js",
    "actions.js",
    "api.js",
    "audit.js",
    "bar.js",
    "credential.js",
    "dialog.js",
    "dom.js",
    "leases.js",
    "page.js",
    "secrets.js",
    "sign-in.js",
    "time.js",
    "ttl.js",
    "users.js",
    "whom.js",
    "words.js",
];

/// Scripts and styles come from these files and from nowhere else, none of them is written into a page, nobody frames it,
/// and no form leaves it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";

const GUARDS: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

pub(super) async fn page() -> Response {
    answer("index.html").unwrap_or_else(nowhere)
}

pub(super) async fn file(Path(name): Path<String>) -> Response {
    answer(&name).unwrap_or_else(nowhere)
}

fn answer(name: &str) -> Option<Response> {
    let (_, content) = FILES.iter().find(|(known, _)| *known == name)?;
    let mut response = Response::new((*content).into());
    let headers = response.headers_mut();
    let kind = match name.rsplit_once('.') {
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "text/javascript; charset=utf-8",
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    for (name, value) in GUARDS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn text(name: &str) -> &'static str {
        let (_, content) = FILES.iter().find(|(known, _)| *known == name).unwrap();
        std::str::from_utf8(content).unwrap()
    }

    #[test]
    fn every_file_of_the_folder_is_there() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/dashboard");
        let names =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let known = FILES.iter().map(|(name, _)| (*name).to_owned());
        assert_eq!(names.collect::<BTreeSet<_>>(), known.collect::<BTreeSet<_>>());
    }

    #[test]
    fn what_a_file_imports_is_a_file_and_nothing_is_foreign_or_inline() {
        for (name, _) in FILES {
            let text = text(name);
            for imported in text.split("from \"").skip(1).filter_map(|rest| rest.split('"').next()) {
                let file = imported.strip_prefix("./").unwrap();
                assert!(FILES.iter().any(|(known, _)| *known == file), "{name} imports {imported}");
            }
            let foreign = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!foreign.contains("http://") && !foreign.contains("https://"), "{name} names a host");
            for forbidden in
                ["innerHTML", "eval(", "localStorage", "sessionStorage", "document.cookie", " style="]
            {
                assert!(!text.contains(forbidden), "{name} has {forbidden}");
            }
        }
        let page = text("index.html");
        assert!(
            !page.contains("<style")
                && page.matches("<script").count() == 1
                && page.contains("src=\"app.js\"")
        );
    }

    #[test]
    fn a_file_has_its_type_and_the_policy_and_others_are_not_found() {
        for (name, kind) in
            [("app.js", "text/javascript"), ("style.css", "text/css"), ("index.html", "text/html")]
        {
            let response = answer(name).unwrap();
            assert!(response.headers()[CONTENT_TYPE].to_str().unwrap().starts_with(kind));
            assert!(
                response.headers()[CONTENT_SECURITY_POLICY]
                    .to_str()
                    .unwrap()
                    .starts_with("default-src 'none'")
            );
        }
        assert!(answer("../Cargo.toml").is_none() && answer("").is_none());
    }
}
