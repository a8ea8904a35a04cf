//! What a token source answers: a token, or a refusal in one of many dresses.
//!
//! Managed identity endpoints write numbers as strings, Entra as numbers, and some of either is missing
//! somewhere; so everything is read leniently here, once. See RFC 6749 §5 and
//! <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>.

use super::{Endpoint, Presence};
use crate::claims::{Claims, is_username, seconds};
use crate::config::Settings;
use crate::error::{Error, ErrorKind, Result, number_in};
use crate::grant::Grant;
use crate::redact::redacted;
use serde_json::Value;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use ureq::http;
use zeroize::Zeroizing;

/// IMDS waits at least this long between tries; it says so on 404, 429 and 5xx.
const MANAGED_IDENTITY_RETRY: Duration = Duration::from_secs(1);
/// `exp` and `Date` are whole seconds: their difference may be one too long.
const WHOLE_SECOND: Duration = Duration::from_secs(1);

/// So much of what a managed identity endpoint says is shown.
const MAX_SAID_CHARS: usize = 200;

/// No token lives longer than about a day; a number beyond this is a mistake, and adding it to a clock could
/// overflow.
const LONGEST_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);

/// The parts of an answer before its body.
pub(super) struct Head {
    pub(super) status: u16,
    /// What a refusal asks for (`WWW-Authenticate`).
    pub(super) challenge: Option<String>,
    /// The server's clock, seconds since the Unix epoch.
    date: Option<u64>,
    retry_after: Option<Duration>,
    sent_at: Duration,
    /// This machine's clock when the answer came, since the Unix epoch.
    here: Duration,
    pub(super) skew_ms: Option<i64>,
}

impl Head {
    pub(super) fn read<B>(response: &http::Response<B>, sent_at: Duration, here: Duration) -> Self {
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let date = header("date").and_then(|text| httpdate::parse_http_date(text).ok()).map(unix);
        Self {
            status: response.status().as_u16(),
            challenge: header("www-authenticate").map(str::to_owned),
            date,
            retry_after: header("retry-after").and_then(|text| retry_after(text, date, here)),
            sent_at,
            here,
            skew_ms: date.and_then(|date| skew_ms(date, here)),
        }
    }
}

/// Seconds, or a moment that is compared with the server's own clock (RFC 9110 §10.2.3).
fn retry_after(text: &str, date: Option<u64>, here: Duration) -> Option<Duration> {
    if let Ok(wait) = text.trim().parse() {
        return Some(Duration::from_secs(wait));
    }
    let until = httpdate::parse_http_date(text).ok().map(unix)?;
    let now = date.unwrap_or(here.as_secs());
    Some(Duration::from_secs(until.saturating_sub(now)))
}

/// `Date` is in whole seconds, cut off: half a second more is the best guess.
fn skew_ms(date: u64, here: Duration) -> Option<i64> {
    let server = i64::try_from(date).ok()?.checked_mul(1000)?.checked_add(500)?;
    i64::try_from(here.as_millis()).ok()?.checked_sub(server)
}

/// This machine's clock, since the Unix epoch.
pub(super) fn here() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn unix(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

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
    let left = seconds(&answer["expires_in"]).map(Duration::from_secs);
    grant(&mut answer, left, head, None, settings)
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
        false => Presence::Stranger(format!("status {}{}", head.status, account(json.as_ref(), &body))),
    }
}

/// The JSON object of an answer that is no refusal.
fn accepted(endpoint: Endpoint, address: &str, head: &Head, body: Vec<u8>) -> Result<Value> {
    let body = Zeroizing::new(body);
    let parsed: Option<Value> = serde_json::from_slice(&body).ok();
    let error = match parsed.filter(Value::is_object) {
        Some(json) if (200..300).contains(&head.status) => return Ok(json),
        Some(json) => refusal(endpoint, address, head, &json),
        None => not_json(endpoint, address, head, &body),
    };
    // Managed identity endpoints pass Entra's own words on. A success may hold a token and is not searched.
    Err(match head.status {
        400.. => error.with_aadsts_in(&String::from_utf8_lossy(&body)),
        _ => error,
    })
}

/// A token that came by another way than HTTP, with its end since the Unix epoch by this machine's clock; without, the
/// token's own counts. `username`: the Redis user name as its owner gives it, if it does.
pub(crate) fn local(
    secret: &str,
    expires_unix: Option<Duration>,
    username: Option<&str>,
    settings: &Settings,
) -> Result<Grant> {
    local_at(secret, expires_unix, username, settings, entrakey_sys::clock::boot(), here())
}

/// The same with the time on both clocks that it needs.
fn local_at(
    secret: &str,
    expires_unix: Option<Duration>,
    username: Option<&str>,
    settings: &Settings,
    sent_at: Duration,
    here: Duration,
) -> Result<Grant> {
    let (challenge, date, retry_after, skew_ms) = (None, None, None, None);
    let head = Head { status: 200, challenge, date, retry_after, sent_at, here, skew_ms };
    let left = expires_unix.map(|end| end.saturating_sub(here));
    grant(&mut serde_json::json!({"access_token": secret}), left, &head, username, settings)
}

/// `left`: the validity left as the source states it.
fn grant(
    json: &mut Value,
    left: Option<Duration>,
    head: &Head,
    username: Option<&str>,
    settings: &Settings,
) -> Result<Grant> {
    let bad =
        |reason: &str| Error::new(ErrorKind::BadResponse, format!("The token source answered {reason}."));
    let secret = taken(json, "access_token");
    if secret.is_empty() {
        return Err(bad("without a token"));
    }
    if secret.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(bad("a token that contains spaces or control characters"));
    }
    let claims = Claims::parse(&secret);
    let username = match (settings.username.as_deref().or(username), &claims) {
        (Some(name), _) if is_username(name) => name.to_owned(),
        (Some(_), _) => {
            let message = "The host's own token came with a user name that is too long, or has blanks or characters \
                           that cannot be seen in it. Redis wants the object id of the identity.";
            return Err(Error::new(ErrorKind::UsernameUnavailable, message));
        }
        (None, Some(claims)) => claims.username(&settings.username_claim)?,
        (None, None) => Claims::default().username(&settings.username_claim)?,
    };
    let claims = claims.unwrap_or_default();
    // Whoever issued the token goes by a clock of its own: its `Date` shows it, or else what it says is left of a token
    // that says itself when it ends. This machine's clock says nothing of that, and may be off.
    let exp = claims.expires_at.map(Duration::from_secs);
    let by_what_is_left = || Some(exp?.saturating_sub(left?));
    let server_now = head.date.map(Duration::from_secs).or_else(by_what_is_left);
    let until = |moment: u64| Duration::from_secs(moment).saturating_sub(server_now.unwrap_or(head.here));
    let by_clock = |moment: u64| until(moment).saturating_sub(WHOLE_SECOND);
    let by_claim = claims.expires_at.map(by_clock).filter(|_| head.date.is_some() || left.is_none());
    let remaining = match (left, by_claim) {
        (Some(a), Some(b)) => a.min(b),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => seconds(&json["expires_on"])
            .map(by_clock)
            .ok_or_else(|| bad("a token without saying when it expires"))?,
    };
    let nominal = claims.issued_at.zip(claims.expires_at).and_then(|(iat, exp)| exp.checked_sub(iat));
    let nominal = nominal.filter(|nominal| *nominal > 0).map(Duration::from_secs);
    // No more can be left of a token than it lives; less than a second is lost on the way.
    let remaining = nominal.map_or(remaining, |nominal| nominal.min(remaining));
    let remaining = if remaining < WHOLE_SECOND { Duration::ZERO } else { remaining };
    let lifetime = nominal.unwrap_or(remaining);
    let not_before = server_now.and(claims.not_before).map_or(Duration::ZERO, until);
    Ok(Grant {
        secret,
        username,
        remaining: remaining.min(LONGEST_LIFE),
        lifetime: lifetime.min(LONGEST_LIFE),
        is_life_stated: nominal.is_some(),
        refresh_in: seconds(&json["refresh_in"]).map(Duration::from_secs),
        sent_at: head.sent_at,
        not_before: not_before.min(LONGEST_LIFE),
        skew_ms: head.skew_ms,
        uti: claims.text("uti").map(str::to_owned),
    })
}

/// A text out of an answer, which keeps no copy of it.
fn taken(json: &mut Value, field: &str) -> Zeroizing<String> {
    match json.get_mut(field).map(Value::take) {
        Some(Value::String(text)) => Zeroizing::new(text),
        _ => Zeroizing::default(),
    }
}

fn not_json(endpoint: Endpoint, address: &str, head: &Head, body: &[u8]) -> Error {
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
        // It will say so tomorrow too.
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
fn account(json: Option<&Value>, body: &[u8]) -> String {
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

/// A body that is not JSON, if it can be shown: one that was cut short may hold a token that nothing tells.
fn shown(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    match text.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '[', '"']) {
        true => String::new(),
        false => brief(&without_tags(&text)),
    }
}

/// In one line, without tokens, and not too long.
fn brief(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    redacted(&text, &[]).chars().take(MAX_SAID_CHARS).collect()
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

fn refusal(endpoint: Endpoint, address: &str, head: &Head, json: &Value) -> Error {
    let error = match endpoint {
        Endpoint::Entra => entra_refusal(address, head.status, json),
        // IMDS says so while it is updated. Elsewhere there is no such identity, or no such path.
        _ if endpoint != Endpoint::ManagedIdentity && head.status == 404 => {
            refused_nearby(address, head.status, &words(json))
        }
        Endpoint::ManagedIdentity if head.status == 410 => being_updated(address),
        _ => managed_identity_refusal(address, head.status, json),
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
        // A trouble of Entra's own passes, whatever its number.
        Some(code) => by_status(address, status).with_aadsts(code),
        None => by_status(address, status),
    };
    error.with_correlation_id(correlation_id)
}

/// Statuses of IMDS: <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#error-handling>.
fn managed_identity_refusal(address: &str, status: u16, json: &Value) -> Error {
    let said = words(json);
    match status {
        400 if said.to_ascii_lowercase().contains("identity not found") => Error::new(
            ErrorKind::IdentityUnavailable,
            "This managed identity is not attached to this machine. Attach it in Azure, or check client_id, \
             object_id or resource_id; without any of them the machine needs a system-assigned identity.",
        ),
        // https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identities-faq
        400 if said.to_ascii_lowercase().contains("multiple user assigned identities") => Error::new(
            ErrorKind::IdentityUnavailable,
            "This machine has several user-assigned managed identities: say which one is meant by client_id \
             (ENTRAKEY_CLIENT_ID, or AZURE_ENTRA_ID_AUTH_CLIENT_ID for an entry of a secret store).",
        ),
        400..=499 if !matches!(status, 404 | 408 | 410 | 429) => refused_nearby(address, status, &said),
        404 => Error::new(
            ErrorKind::BadResponse,
            format!(
                "{address} answered status 404{} Azure's instance metadata service does so while it is updated, and \
                 is asked again; another cloud's always does.",
                account(Some(json), &[])
            ),
        ),
        408 | 410 | 429 => by_status(address, status),
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

/// It will not change by itself.
fn refused_nearby(address: &str, status: u16, said: &str) -> Error {
    let said = if said.is_empty() { "it gave no reason.".to_owned() } else { full_stop(said) };
    Error::new(
        ErrorKind::IdentityUnavailable,
        format!("{address} refused the request (status {status}): {said} Check the identity and scope."),
    )
}

fn by_status(address: &str, status: u16) -> Error {
    match status {
        429 => Error::new(ErrorKind::Throttled, format!("{address} asks for fewer requests (status 429).")),
        400..=499 if !matches!(status, 404 | 408 | 410) => Error::new(
            ErrorKind::AuthRejected,
            format!(
                "{address} refused the request with status {status} and gave no reason. Check the identity."
            ),
        ),
        _ => Error::new(
            ErrorKind::BadResponse,
            format!("{address} answered status {status}: a trouble on its side; it is tried again."),
        ),
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
        local_at(secret, Some(end), None, &self.settings, boot, here)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Environment};
    use serde_json::json;

    fn settings() -> Settings {
        let mut config = Config::new();
        config.set("identity", "managed_identity").unwrap();
        config.set("username", "me").unwrap();
        Settings::resolve(&config, Environment::of([])).unwrap()
    }

    #[test]
    fn an_absurd_lifetime_is_cut_to_one_that_clocks_can_add() {
        let head = Head {
            status: 200,
            challenge: None,
            date: Some(1_000),
            retry_after: None,
            sent_at: Duration::ZERO,
            here: here(),
            skew_ms: None,
        };
        for expires_in in [json!(u64::MAX), json!("18446744073709551615"), json!(1e300)] {
            let answer = json!({"access_token": "opaque", "expires_in": expires_in});
            let left = seconds(&answer["expires_in"]).map(Duration::from_secs);
            let grant = grant(&mut answer.clone(), left, &head, None, &settings()).unwrap();
            assert_eq!((grant.remaining, grant.lifetime), (LONGEST_LIFE, LONGEST_LIFE), "{expires_in}");
        }
    }

    fn head(status: u16) -> Head {
        Head {
            status,
            challenge: None,
            date: Some(1_000),
            retry_after: None,
            sent_at: Duration::ZERO,
            here: here(),
            skew_ms: None,
        }
    }

    fn from_claims() -> Settings {
        let mut config = Config::new();
        config.set("identity", "managed_identity").unwrap();
        Settings::resolve(&config, Environment::of([])).unwrap()
    }

    fn jwt(claims: Value) -> String {
        use base64::Engine as _;
        format!("e30.{}.sig", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    /// What the transport makes of a token of `claims` with `left` seconds left, if it says so.
    fn made(claims: Value, left: Option<u64>, head: &Head) -> Grant {
        let mut answer = json!({"access_token": jwt(claims)});
        grant(&mut answer, left.map(Duration::from_secs), head, None, &settings()).unwrap()
    }

    #[test]
    fn without_a_date_the_sources_clock_is_what_is_left_of_the_token_taken_from_its_end() {
        let dateless = Head { date: None, ..head(200) };
        let now = here().as_secs();
        // This machine's clock is ten minutes slow, or fast: the source's is the one that counts.
        for theirs in [now + 600, now - 600] {
            let claims = json!({"iat": theirs - 300, "nbf": theirs - 300, "exp": theirs + 3600});
            let grant = made(claims, Some(3600), &dateless);
            assert_eq!((grant.remaining.as_secs(), grant.not_before), (3600, Duration::ZERO));
            assert_eq!(grant.lifetime.as_secs(), 3900);
        }
        let short = made(json!({"exp": now - 300}), Some(300), &dateless);
        assert_eq!(short.remaining.as_secs(), 300, "a clock that is 600 s off does not make it expired");
        let early = json!({"nbf": now + 900, "exp": now + 4200});
        assert_eq!(made(early.clone(), Some(3600), &dateless).not_before.as_secs(), 300);
        assert_eq!(
            made(early, None, &dateless).not_before,
            Duration::ZERO,
            "nothing shows the source's clock"
        );
        let dated = json!({"nbf": 1_300, "exp": 4_600});
        assert_eq!(made(dated, Some(3600), &head(200)).not_before.as_secs(), 300, "its Date shows it");
    }

    #[test]
    fn no_more_is_left_of_a_token_than_it_lives_and_less_than_a_second_is_nothing() {
        let dateless = Head { date: None, ..head(200) };
        let hour = json!({"iat": 1_000, "exp": 4_600});
        assert_eq!(made(hour.clone(), Some(86_400), &dateless).remaining.as_secs(), 3600);
        assert_eq!(made(hour, Some(0), &dateless).remaining, Duration::ZERO);
        assert_eq!(made(json!({"exp": 900}), None, &head(200)).remaining, Duration::ZERO);
    }

    #[test]
    fn a_hosts_own_token_ends_when_the_host_says_to_the_millisecond() {
        let end = here() + Duration::from_millis(5_900);
        let grant = local("opaque", Some(end), None, &settings()).unwrap();
        let end_on_boot = grant.end();
        let over = end_on_boot.saturating_sub(entrakey_sys::clock::boot());
        let left = end.saturating_sub(here());
        assert!(
            over <= left + Duration::from_millis(1) && grant.remaining > Duration::from_secs(5),
            "{over:?} of {left:?}"
        );
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
    fn the_peers_tokens() {
        const OID: &str = "12345678-9abc-def-1234-56789abcdef0";
        let jwt = |claims: &str| jwt(serde_json::from_str(claims).unwrap());
        for case in crate::vectors::cases("parser") {
            let (token, settings, expires_in) = match case["name"].as_str().unwrap() {
                "2-part jwt" => ("h.p".to_owned(), from_claims(), Some(3600)),
                "no oid" => (jwt(r#"{"sub":"s","exp":4600}"#), from_claims(), None),
                "exp null" => (jwt(&format!(r#"{{"oid":"{OID}","exp":null}}"#)), from_claims(), None),
                "missing exp" => (jwt(&format!(r#"{{"oid":"{OID}"}}"#)), from_claims(), None),
                "empty" => (String::new(), from_claims(), Some(3600)),
                "opaque" => ("abc".to_owned(), settings(), Some(3600)),
                "oid ok" => (jwt(&format!(r#"{{"oid":"{OID}","exp":4600}}"#)), from_claims(), None),
                other => panic!("no test for {other}"),
            };
            let answer = json!({"access_token": token, "expires_in": expires_in});
            let expected = case["expect"].as_str().unwrap();
            let left = expires_in.map(Duration::from_secs);
            match grant(&mut answer.clone(), left, &head(200), None, &settings) {
                Ok(_) if expected.contains("ours: ok") => {}
                Ok(grant) => assert_eq!(grant.username, expected, "{case}"),
                Err(_) => assert!(expected.contains("error"), "{case}"),
            }
        }
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
