//! What a token says about itself. Read, never trusted: the server checks the signature.

use crate::error::{Error, ErrorKind, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use zeroize::Zeroizing;

/// The claims of a JWT (RFC 7519) as they are, without its signature: an object, or none if it is no JWT. Its issuer has written
/// them, so that anything may be in there.
#[must_use]
pub fn read_claims(token: &str) -> Option<Value> {
    let payload = token.split('.').nth(1)?.trim_end_matches('=');
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(payload).ok()?);
    let claims: Value = serde_json::from_slice(&bytes).ok()?;
    claims.is_object().then_some(claims)
}

/// The payload of a JWT (RFC 7519). Times are seconds since the Unix epoch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claims {
    pub(crate) issued_at: Option<u64>,
    pub(crate) expires_at: Option<u64>,
    pub(crate) not_before: Option<u64>,
    payload: Value,
}

impl Claims {
    /// The claims of `token`, or none if it is not a JWT that can be read.
    pub(crate) fn parse(token: &str) -> Option<Self> {
        let payload = read_claims(token)?;
        Some(Self {
            issued_at: seconds(&payload["iat"]),
            expires_at: seconds(&payload["exp"]),
            not_before: seconds(&payload["nbf"]),
            payload,
        })
    }

    /// A claim that is short, printable text.
    pub(crate) fn text(&self, claim: &str) -> Option<&str> {
        text(&self.payload, claim)
    }

    /// All of it.
    pub(crate) fn payload(&self) -> &Value {
        &self.payload
    }

    /// The Redis user name: the claim of that name, a non-empty string without control characters.
    ///
    /// # Errors
    /// `USERNAME_UNAVAILABLE`, with what the token has instead.
    pub(crate) fn username(&self, claim: &str) -> Result<String> {
        match &self.payload[claim] {
            Value::String(name) if is_username(name) => Ok(name.clone()),
            _ => Err(Error::new(
                ErrorKind::UsernameUnavailable,
                format!(
                    "The token has no usable claim \"{claim}\", so the Redis user name is unknown. Set username to \
                     the object id of the identity, or username_claim to a claim that holds it."
                ),
            )),
        }
    }
}

/// A claim that is short, printable text.
pub(crate) fn text<'a>(payload: &'a Value, claim: &str) -> Option<&'a str> {
    let text = payload[claim].as_str()?;
    (!text.is_empty() && text.len() <= 200 && !text.chars().any(char::is_control)).then_some(text)
}

/// An object id has 36 characters; so many are more than any other user name of Redis needs.
const MAX_USERNAME_CHARS: usize = 200;

/// Whether a character is not seen or turns the text around (Unicode's default ignorables and bidirectional controls).
#[must_use]
pub fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether it can be a Redis user name and looks in every log like what it is: no white space or control characters, and
/// none that are not seen.
pub(crate) fn is_username(text: &str) -> bool {
    let is_odd = |c: char| c.is_control() || c.is_whitespace() || is_unseen(c);
    !text.is_empty() && text.chars().count() <= MAX_USERNAME_CHARS && !text.chars().any(is_odd)
}

/// A time that may be written as a number or as text.
pub(crate) fn seconds(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| number.as_f64().map(|float| float as u64)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(payload: &str) -> String {
        format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn a_payload_is_read_with_numbers_or_text() {
        let claims = Claims::parse(&jwt(r#"{"oid":"me","iat":10,"exp":"20"}"#)).unwrap();
        assert_eq!(claims.username("oid").unwrap(), "me");
        assert_eq!((claims.issued_at, claims.expires_at), (Some(10), Some(20)));
    }

    #[test]
    fn a_missing_empty_or_odd_user_name_is_an_error_that_names_the_claim() {
        for payload in [r#"{}"#, r#"{"oid":""}"#, r#"{"oid":7}"#, "{\"oid\":\"a\\r\\nb\"}"] {
            let error = Claims::parse(&jwt(payload)).unwrap().username("oid").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UsernameUnavailable);
            assert!(error.message().contains("\"oid\""), "{error}");
        }
    }

    #[test]
    fn a_user_name_is_short_and_shows_what_it_is() {
        for name in
            ["9a0b1c2d-0000-4000-8000-000000000001", "default", "user@example.com", "naïve", &"x".repeat(200)]
        {
            assert!(is_username(name), "{name}");
        }
        for name in
            ["", "a b", "a\tb", "a\u{202e}b", "a\u{2028}b", "a\u{200b}b", "\u{feff}a", &"x".repeat(100_000)]
        {
            assert!(!is_username(name), "{name:?}");
        }
    }

    #[test]
    fn what_is_no_jwt_has_no_claims() {
        for token in ["", "opaque", "a.b.c", "a.!!!.c", &jwt("[1]"), &jwt("not json")] {
            assert!(Claims::parse(token).is_none(), "{token}");
        }
    }
}
