//! The error in an answer that brings no token: Entra's own words, a managed identity endpoint's, or a page that is not JSON.

use super::endpoint::Endpoint;
use super::head::Head;
use crate::claims::seconds;
use crate::error::{Error, ErrorKind, ManagedIdentityFault, number_in};
use crate::redact::redacted;
use serde_json::Value;
use std::time::Duration;

/// IMDS waits at least this long between tries; it says so on 404, 429 and 5xx.
const MANAGED_IDENTITY_RETRY: Duration = Duration::from_secs(1);

/// So much of what a managed identity endpoint says is shown.
const MAX_SHOWN_CHARS: usize = 200;

pub(super) fn not_json(endpoint: Endpoint, address: &str, head: &Head, body: &[u8]) -> Error {
    let status = head.status;
    if endpoint != Endpoint::Entra {
        return not_json_nearby(endpoint, address, head, body);
    }
    if (200..300).contains(&status) || (300..500).contains(&status) && status != 408 && status != 429 {
        let message = format!(
            "{address} answered status {status} with something that is not JSON, perhaps a proxy's own page. \
             Check proxy settings and the configured addresses."
        );
        return Error::new(ErrorKind::BadResponse, message).with_status(status);
    }
    refusal(endpoint, address, head, &Value::Null)
}

/// A managed identity endpoint is on this machine: no proxy is in between, and who answers is what was asked or
/// something that has its place.
fn not_json_nearby(endpoint: Endpoint, address: &str, head: &Head, body: &[u8]) -> Error {
    let status = head.status;
    let text = account(None, body);
    match status {
        200..=299 => {
            let message = format!(
                "{address} answered status {status} with something that is not JSON{text} Is it the managed \
                 identity endpoint that answers there?"
            );
            Error::new(ErrorKind::BadResponse, message).with_status(status)
        }
        // The endpoint will give the same answer tomorrow.
        300..=399 => {
            let message = format!(
                "{address} sends elsewhere (status {status}){text} A managed identity endpoint does not: what \
                 answers there is something else."
            );
            Error::new(ErrorKind::BadResponse, message).with_retriable(false).with_status(status)
        }
        _ => refusal(endpoint, address, head, &Value::String(shown(body))),
    }
}

/// A little of what an endpoint said, for the end of a sentence; a full stop if it said nothing.
pub(super) fn account(json: Option<&Value>, body: &[u8]) -> String {
    let text = json.map_or_else(|| shown(body), words);
    match text.is_empty() {
        true => ".".to_owned(),
        false => format!(": {}", full_stop(&text)),
    }
}

fn full_stop(text: &str) -> String {
    match text.ends_with(['.', '!', '?', ':']) {
        true => text.to_owned(),
        false => format!("{text}."),
    }
}

/// What a refusal says, in one of the fields that endpoints have for it; without any, as it is.
fn words(json: &Value) -> String {
    let fields = [
        &json["error_description"],
        &json["message"],
        &json["error"]["message"],
        &json["Message"],
        &json["error"],
    ];
    let field = fields.into_iter().find_map(Value::as_str).or(json.as_str()).filter(|text| !text.is_empty());
    match (field, json.as_object()) {
        (Some(text), _) => brief(text),
        (None, Some(fields)) if !fields.is_empty() => brief(&json.to_string()),
        (None, _) => String::new(),
    }
}

/// A body that is not JSON, if it can be shown: in one that was cut short a token cannot be recognised.
fn shown(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    match text.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '[', '"']) {
        true => String::new(),
        false => brief(&without_tags(&text)),
    }
}

/// In one line, without tokens, and not too long.
fn brief(text: &str) -> String {
    let text: String = redacted(text, &[]).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.chars().take(MAX_SHOWN_CHARS).collect()
}

/// The words of a page.
fn without_tags(text: &str) -> String {
    let mut words = String::new();
    for (index, part) in text.split('<').enumerate() {
        match part.split_once('>').filter(|_| index > 0) {
            Some((_, after)) => words.extend([" ", after]),
            None => words.push_str(part),
        }
    }
    words
}

pub(super) fn refusal(endpoint: Endpoint, address: &str, head: &Head, json: &Value) -> Error {
    let error = match endpoint {
        Endpoint::Entra => entra_refusal(address, head.status, json),
        // IMDS says so while it is updated. Elsewhere there is no such identity, or no such path.
        _ if endpoint != Endpoint::ManagedIdentity && head.status == 404 => {
            refused_nearby(address, head.status, &words(json))
        }
        Endpoint::ManagedIdentity if head.status == 410 => being_updated(address),
        _ => managed_identity_refusal(endpoint, address, head.status, json),
    };
    let pause = if endpoint == Endpoint::Entra { Duration::ZERO } else { MANAGED_IDENTITY_RETRY };
    error.with_status(head.status).with_retry_after(head.retry_after).with_pause(pause)
}

fn entra_refusal(address: &str, status: u16, json: &Value) -> Error {
    let correlation_id = json["correlation_id"].as_str().filter(|id| id.len() <= 64).map(str::to_owned);
    let description = json["error_description"].as_str().unwrap_or_default();
    let code = seconds(&json["error_codes"][0]).and_then(|code| u32::try_from(code).ok());
    let error = match code.or_else(|| number_in(description)) {
        Some(code) if status < 500 && status != 429 => Error::entra(code, description, status),
        // Trouble inside Entra passes, whatever its number.
        Some(code) => by_status(address, status, "").with_aadsts(code),
        None => by_status(address, status, &brief(description)),
    };
    error.with_correlation_id(correlation_id)
}

/// Statuses of IMDS: <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#error-handling>.
fn managed_identity_refusal(endpoint: Endpoint, address: &str, status: u16, json: &Value) -> Error {
    let said = words(json);
    let fault = if status == 400 { managed_identity_fault(endpoint, &said) } else { None };
    let error = match (endpoint, fault) {
        (
            Endpoint::ManagedIdentity | Endpoint::Arc,
            Some(ManagedIdentityFault::NotAttachedToMachine | ManagedIdentityFault::NotAttached),
        ) => Error::new(
            ErrorKind::IdentityUnavailable,
            "This managed identity is not attached to this machine. Attach it in Azure, or check client_id, \
             object_id or resource_id; without any of them the machine needs a system-assigned identity.",
        ),
        (_, Some(ManagedIdentityFault::Several)) => Error::new(
            ErrorKind::IdentityUnavailable,
            "This machine has several user-assigned managed identities: say which one is meant by client_id \
             (ENTRAKEY_CLIENT_ID, or AZURE_ENTRA_ID_AUTH_CLIENT_ID for an entry of a secret store).",
        ),
        _ => by_status_nearby(address, status, &said, json),
    };
    error.with_managed_identity(fault)
}

/// What endpoints have no number for.
/// <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identities-faq>
fn managed_identity_fault(endpoint: Endpoint, said: &str) -> Option<ManagedIdentityFault> {
    let said = said.to_ascii_lowercase();
    let is_unattached = said.contains("identity not found")
        || said.contains("no user assigned or delegated managed identity");
    match endpoint {
        _ if said.contains("multiple user assigned identities") => Some(ManagedIdentityFault::Several),
        _ if !is_unattached => None,
        Endpoint::ManagedIdentity => Some(ManagedIdentityFault::NotAttachedToMachine),
        Endpoint::AppService => Some(ManagedIdentityFault::NotAttachedToApp),
        _ => Some(ManagedIdentityFault::NotAttached),
    }
}

fn by_status_nearby(address: &str, status: u16, said: &str, json: &Value) -> Error {
    match status {
        400..=499 if !matches!(status, 404 | 408 | 410 | 429) => refused_nearby(address, status, said),
        404 => Error::new(
            ErrorKind::BadResponse,
            format!(
                "{address} answered status 404{} Azure's instance metadata service does so while it is updated, and \
                 is asked again; another cloud's always does.",
                account(Some(json), &[])
            ),
        ),
        408 | 410 | 429 => by_status(address, status, ""),
        _ => Error::new(
            ErrorKind::BadResponse,
            format!(
                "{address} answered status {status}{} It is a trouble on its side and is tried again.",
                account(Some(json), &[])
            ),
        ),
    }
}

/// An update takes 70 s at most: <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#error-handling>.
fn being_updated(address: &str) -> Error {
    let message = format!(
        "{address} is being updated (status 410), which takes 70 s at most. It is asked again at growing distances. \
         If it lasts longer, look at the health of this machine in Azure."
    );
    Error::new(ErrorKind::BadResponse, message)
}

/// This refusal will not change by itself.
fn refused_nearby(address: &str, status: u16, said: &str) -> Error {
    let reason = reason(said);
    Error::new(
        ErrorKind::IdentityUnavailable,
        format!("{address} refused the request (status {status}): {reason} Check the identity and scope."),
    )
}

fn reason(said: &str) -> String {
    if said.is_empty() { "it gave no reason.".to_owned() } else { full_stop(said) }
}

fn by_status(address: &str, status: u16, said: &str) -> Error {
    match status {
        429 => Error::new(ErrorKind::Throttled, format!("{address} asks for fewer requests (status 429).")),
        400..=499 if !matches!(status, 404 | 408 | 410) => Error::new(
            ErrorKind::AuthRejected,
            format!("{address} refused the request (status {status}): {} Check the identity.", reason(said)),
        ),
        _ => Error::new(
            ErrorKind::BadResponse,
            format!("{address} answered status {status}: a trouble on its side; it is tried again."),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::unix_now;
    use crate::grant::Clocks;

    fn head(status: u16) -> Head {
        let clocks = Clocks { sent_at: Duration::ZERO, here: unix_now(), date: Some(1_000), skew_ms: None };
        Head { status, challenge: None, retry_after: None, clocks, headers: ureq::http::HeaderMap::new() }
    }

    #[test]
    fn an_imds_that_is_being_updated_is_no_refusal_and_is_asked_again_soon() {
        let error = refusal(Endpoint::ManagedIdentity, "http://imds", &head(410), &Value::Null);
        assert!(error.is_retriable() && error.retry_after().is_none());
        assert!(error.message().contains("being updated") && error.message().contains("70 s"), "{error}");
        let elsewhere = refusal(Endpoint::AppService, "http://app", &head(410), &Value::Null);
        assert!(!elsewhere.message().contains("updated"), "{elsewhere}");
        assert_eq!(error.pause(), MANAGED_IDENTITY_RETRY);
        assert_eq!(
            refusal(Endpoint::Entra, "https://login", &head(503), &Value::Null).pause(),
            Duration::ZERO
        );
    }

    #[test]
    fn a_token_in_an_answer_of_another_encoding_is_not_shown() {
        let json = r#"{"access_token":"eyJhbGciOi.eyJvaWQiOi.c2ln"}"#;
        let utf16: Vec<u8> = format!("\u{feff}{json}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let error = not_json(Endpoint::AppService, "http://app", &head(200), &utf16);
        assert!(!error.message().replace(' ', "").contains("c2ln"), "{error}");
    }

    #[test]
    fn the_peers_retriable_errors() {
        for case in crate::vectors::cases("is_retryable") {
            let kind = match case["error"].as_str().unwrap() {
                "http_500 ResponseError" => {
                    refusal(Endpoint::Entra, "https://login", &head(500), &Value::Null).kind()
                }
                "net timeout" | "wrapped deadline exceeded" => ErrorKind::Timeout,
                "net temporary" => ErrorKind::Network,
                "none" => continue, // no error at all
                other => panic!("no test for {other}"),
            };
            assert_eq!(Some(Error::new(kind, "").is_retriable()), case["ours"].as_bool(), "{case}");
        }
    }
}
