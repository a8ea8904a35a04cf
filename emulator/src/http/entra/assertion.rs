//! A client assertion, read but not yet believed.

use super::Refusal;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::time::{Duration, UNIX_EPOCH};

/// How far a client's clock may be ahead of ours. (Nothing says how much Entra allows.)
const SKEW: Duration = Duration::from_secs(300);

pub(super) struct Assertion<'a> {
    token: &'a str,
    pub(super) header: Header,
    claims: Map<String, Value>,
}

/// The refusal of something that is no JWT, or lacks what every assertion has.
pub(super) fn malformed() -> Refusal {
    Refusal::new(400, "invalid_request", 50_027, "JWT token is invalid or malformed.")
}

impl<'a> Assertion<'a> {
    pub(super) fn parse(token: &'a str) -> Result<Self, Refusal> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| malformed())?;
        let payload = token.split('.').nth(1).ok_or_else(malformed)?;
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| malformed())?;
        let claims = serde_json::from_slice(&payload).map_err(|_| malformed())?;
        Ok(Self { token, header, claims })
    }

    /// A claim; empty if it is missing or no text.
    pub(super) fn text(&self, name: &str) -> &str {
        self.claims.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn moment(&self, name: &str) -> Option<Duration> {
        let seconds = self.claims.get(name)?.as_f64()?;
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// `aud`, which is a text or a list of them.
    pub(super) fn audiences(&self) -> Vec<&str> {
        match self.claims.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    pub(super) fn is_signed_by(&self, key: &DecodingKey, algorithm: Algorithm) -> bool {
        let mut validation = Validation::new(algorithm);
        validation.required_spec_claims = HashSet::new();
        (validation.validate_exp, validation.validate_aud) = (false, false); // compared by us, with our own clock
        jsonwebtoken::decode::<Map<String, Value>>(self.token, key, &validation).is_ok()
    }

    /// `exp` must be there; clients are known that send no `nbf`.
    pub(super) fn check_time(&self, now: Duration) -> Result<(), Refusal> {
        let expires = self.moment("exp").ok_or_else(malformed)?;
        let from = self.moment("nbf").or_else(|| self.moment("iat")).unwrap_or_default();
        if from <= now + SKEW && now < expires {
            return Ok(());
        }
        let sentence = format!(
            "Client assertion is not within its valid time range. Current time: {}, assertion valid from {}, expiry \
             time of assertion {}. Review the documentation at \
             https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
            moment(now),
            moment(from),
            moment(expires)
        );
        Err(Refusal::client(700_024, sentence))
    }
}

fn moment(since_epoch: Duration) -> String {
    // Until the year 9999: what comes later cannot be written, and is not.
    let known = since_epoch.min(Duration::from_secs(253_402_300_799));
    humantime::format_rfc3339_nanos(UNIX_EPOCH + known).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(claims: &str) -> Result<(), u32> {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let token = format!("{}.{}.AAAA", encode(r#"{"alg":"RS256"}"#), encode(claims));
        let check = |assertion: Assertion<'_>| assertion.check_time(Duration::from_secs(1_000_000));
        Assertion::parse(&token).and_then(check).map_err(|refusal| refusal.code)
    }

    #[test]
    fn an_assertion_is_valid_from_a_little_before_its_start_and_not_at_its_end() {
        assert_eq!(with(r#"{"exp": 1000001}"#), Ok(()));
        assert_eq!(with(r#"{"exp": 1000000}"#), Err(700_024));
        assert_eq!(with(r#"{"exp": 1000600.5, "nbf": 1000300}"#), Ok(()));
        assert_eq!(with(r#"{"exp": 1000600, "nbf": 1000301}"#), Err(700_024));
        assert_eq!(with(r#"{"exp": 1e300}"#), Err(50_027));
        assert_eq!(with(r#"{"exp": 1e15}"#), Ok(()));
        assert_eq!(with(r#"{"exp": 1e15, "nbf": 1e15}"#), Err(700_024));
        assert_eq!(with(r#"{"exp": "1000600"}"#), Err(50_027));
        assert_eq!(with("{}"), Err(50_027));
        assert_eq!(with("junk"), Err(50_027));
    }

    #[test]
    fn what_is_no_jwt_is_malformed() {
        for token in ["", "a", "a.b", "a.b.c", "....", "e30.e30.e30"] {
            assert_eq!(Assertion::parse(token).map(drop).unwrap_err().code, 50_027, "{token}");
        }
    }
}
