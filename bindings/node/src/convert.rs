//! What crosses into JavaScript: the parts of a token, the details of an error.

use entrakey_core::{Error, Token};
use napi_derive::napi;

/// What a JavaScript `Token` is made from.
#[napi(object, object_from_js = false)]
pub struct TokenParts {
    /// The access token.
    pub secret: String,
    /// The Redis user name.
    pub username: String,
    /// Counts the tokens of a provider.
    pub version: f64,
    /// Milliseconds since the Unix epoch.
    pub expires: f64,
    /// Milliseconds since the Unix epoch.
    pub refresh: f64,
    /// For how many milliseconds JavaScript may hand it out by itself.
    pub usable_for: f64,
}

impl From<&Token> for TokenParts {
    fn from(token: &Token) -> Self {
        Self {
            secret: token.secret().to_owned(),
            username: token.username().to_owned(),
            version: number(token.version()),
            expires: number(token.expires_unix_ms()),
            refresh: number(token.refresh_unix_ms()),
            usable_for: number(token.usable_for().as_millis().try_into().unwrap_or(u64::MAX)),
        }
    }
}

/// What a JavaScript `EntrakeyError` is made from.
#[napi(object, object_from_js = false)]
pub struct Failure {
    /// The name of the kind: `INVALID_CONFIG`.
    pub code: String,
    /// What happened and what to do.
    pub message: String,
    /// Whether the same call can succeed later with nothing changed.
    pub retriable: bool,
    /// The number of Entra's refusal.
    pub aadsts: Option<u32>,
    /// What Microsoft's support asks for.
    pub correlation_id: Option<String>,
    /// The HTTP status of the answer, if there was one.
    pub http_status: Option<u32>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            code: error.kind().name().to_owned(),
            message: error.to_string(),
            retriable: error.is_retriable(),
            aadsts: error.aadsts(),
            correlation_id: error.correlation_id().map(str::to_owned),
            http_status: error.http_status().map(u32::from),
        }
    }
}

/// A count or a time as JavaScript's number, exact up to 2⁵³.
pub(crate) fn number(value: u64) -> f64 {
    value as f64
}

/// A version as it comes back from JavaScript; what is no version at all is version 0, which no token has.
pub(crate) fn version_of(value: f64) -> u64 {
    value as u64 // saturates, and NaN is 0
}
