//! One scripted answer, and whether it can be given at all.

use super::routes::ROUTES_WITH_TOKENS;
use crate::tokens::{TokenFault, TokenScript};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
use utoipa::ToSchema;

/// One scripted answer. What it does not say is as in the real answer.
///
/// An answer with `status` or `garbage` replaces the real one, and so do `hang` and `reset`; any other is the real
/// one, changed. `delay_ms` and `times` go with everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Fault {
    /// The status of an answer that replaces the real one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 200, maximum = 999)]
    pub status: Option<u16>,
    /// The headers of an answer with `status`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body of an answer with `status`, sent as it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// How long to wait before anything is answered, in milliseconds of the system's clock.
    #[serde(skip_serializing_if = "is_default")]
    pub delay_ms: u64,
    /// Never answers; the connection stays open.
    #[serde(skip_serializing_if = "is_default")]
    pub hang: bool,
    /// Closes the connection with a TCP reset.
    #[serde(skip_serializing_if = "is_default")]
    pub reset: bool,
    /// What is wrong with the token that is handed out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenFault>,
    /// How long the token is valid that is handed out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub lifetime_seconds: Option<u32>,
    /// Sends the answer's numbers as texts: `"expires_in": "3600"`.
    #[serde(skip_serializing_if = "is_default")]
    pub numbers_as_strings: bool,
    /// Sends the answer's texts that are whole numbers as such: `"expires_in": 3600`.
    #[serde(skip_serializing_if = "is_default")]
    pub strings_as_numbers: bool,
    /// Cuts the body short: the connection is closed before all that `Content-Length` promises has come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncate: Option<Truncate>,
    /// Sends, as `application/json`, what is neither JSON nor UTF-8.
    #[serde(skip_serializing_if = "is_default")]
    pub garbage: bool,
    /// How many requests get this answer; 1 if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub times: Option<u32>,
}

/// How much of a body is sent: half of it (`true`), or so many bytes. `false` is the whole body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged, expecting = "truncate is true, or how many bytes are sent")]
pub enum Truncate {
    /// Half of it.
    Half(bool),
    /// So many bytes, or all that there are.
    Bytes(usize),
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Fault {
    pub(crate) fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }

    /// Whether the real answer is not given at all.
    pub(crate) fn replaces(&self) -> bool {
        self.status.is_some() || self.garbage || self.hang || self.reset
    }

    /// Whether the fault changes something that only an answer with a token has.
    pub(crate) fn is_about_tokens(&self) -> bool {
        self.token.is_some()
            || self.lifetime_seconds.is_some()
            || self.numbers_as_strings
            || self.strings_as_numbers
    }

    pub(crate) fn token_script(&self) -> TokenScript {
        TokenScript { fault: self.token, lifetime_seconds: self.lifetime_seconds }
    }

    /// How many bytes of a body of `length` are sent, if not all.
    pub(crate) fn cut(&self, length: usize) -> Option<usize> {
        match self.truncate? {
            Truncate::Half(false) => None,
            Truncate::Half(true) => Some(length / 2),
            Truncate::Bytes(bytes) => Some(bytes.min(length)),
        }
    }

    /// The fault as the list of requests shows it: without the body, in which a test may have written a token.
    pub(crate) fn listed(&self) -> Self {
        Self { body: String::new(), headers: BTreeMap::new(), times: None, ..self.clone() }
    }

    /// Whether the answer can be given on this route: better said now than when a client waits for it.
    pub(super) fn check(&self, route: &str) -> Result<(), String> {
        self.check_combination()?;
        self.check_token(route)?;
        if self.times == Some(0) {
            return Err("times is 1 at least".to_owned());
        }
        self.check_head()
    }

    /// Refuses fields that contradict one another.
    fn check_combination(&self) -> Result<(), String> {
        let changes = self.is_about_tokens() || self.truncate.is_some();
        let refusals = [
            (self.hang && self.reset, "an answer cannot both hang and reset"),
            (
                (self.hang || self.reset) && self.status.is_some(),
                "an answer that hangs or resets has no status",
            ),
            (
                (self.hang || self.reset) && (changes || self.garbage),
                "an answer that hangs or resets has nothing else but delay_ms and times",
            ),
            (
                self.status.is_none() && !(self.body.is_empty() && self.headers.is_empty()),
                "an answer with a body or headers needs a status",
            ),
            (self.garbage && !self.body.is_empty(), "garbage is a body of its own: leave body away"),
            (self.garbage && self.truncate.is_some(), "garbage is not cut short: leave truncate away"),
            (
                self.is_about_tokens() && (self.status.is_some() || self.garbage),
                "token, lifetime_seconds, numbers_as_strings and strings_as_numbers change the real answer: they do \
                 not go with status or garbage, which replace it",
            ),
            (
                self.numbers_as_strings && self.strings_as_numbers,
                "choose one of numbers_as_strings and strings_as_numbers",
            ),
        ];
        refusals
            .into_iter()
            .find(|(refused, _)| *refused)
            .map_or(Ok(()), |(_, reason)| Err(reason.to_string()))
    }

    fn check_token(&self, route: &str) -> Result<(), String> {
        if self.is_about_tokens() && !ROUTES_WITH_TOKENS.contains(&route) {
            let known = ROUTES_WITH_TOKENS.join(", ");
            return Err(format!("the route '{route}' hands out no token; these do: {known}"));
        }
        use TokenFault::{Cached, Expired, NoOid, WrongObjectId};
        if self.lifetime_seconds == Some(0) {
            return Err(
                "lifetime_seconds is 1 at least; for a token without any there is token: expired".to_owned()
            );
        }
        if self.lifetime_seconds.is_some() && matches!(self.token, Some(Cached | Expired)) {
            return Err(
                "a token that is cached or expired has its lifetime already: leave lifetime_seconds away"
                    .to_owned(),
            );
        }
        if route == "pipelines" && matches!(self.token, Some(Cached | NoOid | WrongObjectId)) {
            return Err("a pipeline's token is always a new one and has no object id".to_owned());
        }
        Ok(())
    }

    fn check_head(&self) -> Result<(), String> {
        use axum::http::{HeaderName, HeaderValue, StatusCode};
        if let Some(status) = self.status
            && (StatusCode::from_u16(status).is_err() || status < 200)
        {
            return Err(format!("{status} is not a status that ends a request"));
        }
        for (name, value) in &self.headers {
            let framing = ["content-length", "transfer-encoding", "connection"];
            if framing.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                return Err(format!("the header {name} is the server's own"));
            }
            if HeaderName::try_from(name).is_err() || HeaderValue::try_from(value).is_err() {
                return Err(format!("{name} is not a header that can be sent"));
            }
        }
        Ok(())
    }
}
