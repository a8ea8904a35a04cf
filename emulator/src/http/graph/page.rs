//! Lists that come in pages.

use super::answers::{Fault, selected};
use super::filter::Filter;
use super::{Request, parameter};
use axum::Json;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// No page is larger.
const MOST: usize = 999;

/// One page of all these objects.
pub(super) fn page(request: &Request<'_>, objects: Vec<Value>) -> Result<Response, Fault> {
    let (top, from) = bounds(request)?;
    let mut found = Vec::new();
    let filter = match parameter(request.query, "$filter") {
        None => None,
        Some(text) => Some(Filter::parse(text).ok_or_else(unsupported)?),
    };
    for object in objects {
        let is_wanted = match &filter {
            None => true,
            Some(filter) => filter.matches(&object).ok_or_else(unsupported)?,
        };
        if is_wanted {
            found.push(object);
        }
    }
    let select = parameter(request.query, "$select");
    let (all, more) = (found.len(), found.len() > from.saturating_add(top));
    let values: Vec<_> =
        found.into_iter().skip(from).take(top).map(|object| selected(object, select)).collect();
    let mut body = json!({"@odata.context": format!("{}/v1.0/$metadata", request.address), "value": values});
    if more {
        body["@odata.nextLink"] = next(request, from + top).into();
    }
    request.exchange.note(format_args!("graph: {} of {all} objects", values.len()));
    Ok(Json(body).into_response())
}

fn unsupported() -> Fault {
    Fault::bad_request("Request_UnsupportedQuery", "Unsupported or invalid query filter clause specified.")
}

/// How many, and from which on.
fn bounds(request: &Request<'_>) -> Result<(usize, usize), Fault> {
    let wrong = |name: &str, value: &str| {
        let said = format!("Invalid value specified for {name} query option: '{value}'.");
        Fault::bad_request("Request_BadRequest", said)
    };
    let top = match parameter(request.query, "$top") {
        None => request.tenant.graph.settings().page_size,
        Some(text) => {
            let top = text.parse().ok().filter(|top| (1..=MOST).contains(top));
            top.ok_or_else(|| wrong("$top", text))?
        }
    };
    let from = match parameter(request.query, "$skiptoken") {
        None => 0,
        Some(token) => read(token).ok_or_else(|| wrong("$skiptoken", token))?,
    };
    Ok((top, from))
}

/// The link to the rest: the request again, with a token that says nothing to who reads it.
fn next(request: &Request<'_>, from: usize) -> String {
    let mut link = format!("{}{}?", request.address, request.path);
    for (name, value) in request.query.iter().filter(|(name, _)| name != "$skiptoken") {
        let _ = write!(link, "{name}={}&", escaped(value)); // writing to a string cannot fail
    }
    let token = URL_SAFE_NO_PAD.encode(format!("skip:{from}"));
    let _ = write!(link, "$skiptoken={token}");
    link
}

fn read(token: &str) -> Option<usize> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    text.strip_prefix("skip:")?.parse().ok()
}

fn escaped(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b',' => {
                text.push(byte.into())
            }
            _ => {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}
