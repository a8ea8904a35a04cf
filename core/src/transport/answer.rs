//! What a token source answers: a token, or a refusal in one of many dresses.
//!
//! Managed identity endpoints write numbers as strings, Entra as numbers, and some of either is missing
//! somewhere; so everything is read leniently here, once. See RFC 6749 §5 and
//! <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>.

use super::endpoint::{Endpoint, Presence};
use super::head::Head;
use super::refusal;
use crate::claims::seconds;
use crate::config::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::grant::{Grant, Statement};
use serde_json::Value;
use std::time::Duration;
#[cfg(feature = "internals")]
use ureq::http;
use zeroize::Zeroizing;

/// The grant in an answer, or the error that it amounts to. No part of the body but Entra's own words on a
/// refusal enters a message: a body may hold a token.
pub(super) fn read(
    endpoint: Endpoint,
    address: &str,
    head: &Head,
    body: Vec<u8>,
    settings: &Settings,
) -> Result<Grant> {
    let mut answer = accepted(endpoint, address, head, body)?;
    let statement = Statement {
        secret: taken(&mut answer, "access_token"),
        left: seconds(&answer["expires_in"]).map(Duration::from_secs),
        expires_on: seconds(&answer["expires_on"]),
        refresh_in: seconds(&answer["refresh_in"]).map(Duration::from_secs),
        username: None,
        clocks: head.clocks,
    };
    Grant::new(statement, settings)
}

/// One text out of an answer that is not a token, or the error that it amounts to.
pub(super) fn read_text(
    endpoint: Endpoint,
    address: &str,
    head: &Head,
    body: Vec<u8>,
    field: &str,
) -> Result<Zeroizing<String>> {
    let text = taken(&mut accepted(endpoint, address, head, body)?, field);
    if text.is_empty() {
        let message = format!("{address} answered without {field}. Is that the right address?");
        return Err(Error::new(ErrorKind::BadResponse, message));
    }
    Ok(text)
}

/// Who answers a request without the header `Metadata`. Azure's instance metadata service refuses it with 400, or,
/// when it is in trouble, with a JSON object that has an `error`; other clouds' know the path not, or take the
/// request for one that has not signed in.
pub(super) fn presence(head: &Head, body: Vec<u8>) -> Presence {
    let body = Zeroizing::new(body);
    let json = serde_json::from_slice(&body).ok().filter(Value::is_object);
    let is_azure = json.as_ref().is_some_and(|json| match head.status {
        400 | 410 => true,
        429 | 500..=599 => json["error"].is_string(),
        _ => false,
    });
    match is_azure {
        true => Presence::Azure,
        false => {
            Presence::Stranger(format!("status {}{}", head.status, refusal::account(json.as_ref(), &body)))
        }
    }
}

/// The JSON object of an answer that is no refusal.
fn accepted(endpoint: Endpoint, address: &str, head: &Head, body: Vec<u8>) -> Result<Value> {
    let body = Zeroizing::new(body);
    let parsed: Option<Value> = serde_json::from_slice(&body).ok();
    let error = match parsed.filter(Value::is_object) {
        Some(json) if (200..300).contains(&head.status) => return Ok(json),
        Some(json) => refusal::refusal(endpoint, address, head, &json),
        None => refusal::not_json(endpoint, address, head, &body),
    };
    // Managed identity endpoints pass Entra's own words on. A success may hold a token and is not searched.
    Err(match head.status {
        400.. => error.with_aadsts_in(&String::from_utf8_lossy(&body)),
        _ => error,
    })
}

/// A text out of an answer, which keeps no copy of it.
fn taken(json: &mut Value, field: &str) -> Zeroizing<String> {
    match json.get_mut(field).map(Value::take) {
        Some(Value::String(text)) => Zeroizing::new(text),
        _ => Zeroizing::default(),
    }
}

/// What the transport makes of answers, by itself: the time on both clocks comes from whoever asks.
#[cfg(feature = "internals")]
pub struct Answers {
    endpoint: Endpoint,
    settings: Settings,
}

#[cfg(feature = "internals")]
impl Answers {
    /// Of the instance metadata service (`is_nearby`) or of Entra. `username`: the Redis user name, which the claim `oid`
    /// says otherwise.
    ///
    /// # Errors
    /// The user name is none.
    pub fn new(is_nearby: bool, username: Option<&str>) -> Result<Self> {
        let mut config = crate::config::Config::new();
        config.set("identity", "managed_identity")?;
        username.map_or(Ok(()), |name| config.set("username", name))?;
        let settings = Settings::resolve(&config, crate::config::Environment::of([]))?;
        Ok(Self { endpoint: if is_nearby { Endpoint::ManagedIdentity } else { Endpoint::Entra }, settings })
    }

    /// An answer over HTTP to what was sent at `sent_at`, on the boot clock; `here` is the wall clock when it came.
    ///
    /// # Errors
    /// What the answer amounts to.
    pub fn read(
        &self,
        response: http::Response<Vec<u8>>,
        sent_at: Duration,
        here: Duration,
    ) -> Result<Grant> {
        let head = Head::read(&response, sent_at, here);
        read(self.endpoint, "https://simulated", &head, response.into_body(), &self.settings)
    }

    /// A host's own token, which it says ends at `end` by the wall clock.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn local(&self, secret: &str, end: Duration, boot: Duration, here: Duration) -> Result<Grant> {
        Grant::supplied_at(secret, Some(end), None, &self.settings, (boot, here))
    }
}
