//! A token as a source hands it over: what the source states, and how long it is good by that.

use crate::claims::{Claims, is_username};
use crate::clock::unix_now;
use crate::config::Settings;
use crate::error::{Error, ErrorKind, Result};
use std::time::Duration;
use zeroize::Zeroizing;

/// `exp` and `Date` are whole seconds: their difference may be one too long.
const WHOLE_SECOND: Duration = Duration::from_secs(1);

/// No token lives longer than about a day; a number beyond this is a mistake, and adding it to a clock could
/// overflow.
const LONGEST_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);

/// A token as it came: who it is for, and how long it was good when the request was sent. It has no Debug,
/// which would show the secret.
pub struct Grant {
    /// The access token.
    pub secret: Zeroizing<String>,
    /// The Redis user name.
    pub username: String,
    /// The validity left, counted from `sent_at`. Zero: the token had expired when it was handed out.
    pub remaining: Duration,
    /// From issue to expiry: what margins scale with. Zero: neither is known, and nothing is left.
    pub lifetime: Duration,
    /// Whether the token says itself how long it lives (`iat` and `exp`). Else `lifetime` is what is left of it, which
    /// is less than it lives if the source has kept it for a while.
    pub is_life_stated: bool,
    /// When the source itself wants to be asked again, counted from now.
    pub refresh_in: Option<Duration>,
    /// When the request was sent, on the boot clock.
    pub sent_at: Duration,
    /// From when it may be used (`nbf` by the server's clock), counted from when the answer came.
    pub not_before: Duration,
    /// This machine's wall clock less the server's, in milliseconds, to about a second.
    pub skew_ms: Option<i64>,
    /// Entra's id of the token (claim `uti`), which its sign-in log shows.
    pub uti: Option<String>,
}

/// The clocks when an answer came.
#[derive(Clone, Copy)]
pub(crate) struct Clocks {
    /// When the request was sent, on the boot clock.
    pub(crate) sent_at: Duration,
    /// This machine's wall clock, since the Unix epoch.
    pub(crate) here: Duration,
    /// The server's, in seconds since the Unix epoch, if it says.
    pub(crate) date: Option<u64>,
    /// This machine's wall clock less the server's, in milliseconds.
    pub(crate) skew_ms: Option<i64>,
}

/// What a source says of a token.
pub(crate) struct Statement<'a> {
    /// The access token.
    pub(crate) secret: Zeroizing<String>,
    /// The validity left.
    pub(crate) left: Option<Duration>,
    /// The end of validity in seconds since the Unix epoch. Counts if neither `left` nor the token itself says it.
    pub(crate) expires_on: Option<u64>,
    /// When the source itself wants to be asked again.
    pub(crate) refresh_in: Option<Duration>,
    /// The Redis user name, if the token's owner gives one.
    pub(crate) username: Option<&'a str>,
    pub(crate) clocks: Clocks,
}

impl Grant {
    /// What a source's statement amounts to.
    pub(crate) fn new(statement: Statement<'_>, settings: &Settings) -> Result<Self> {
        let Statement { secret, left, expires_on, refresh_in, username, clocks } = statement;
        check_secret(&secret)?;
        let claims = Claims::parse(&secret);
        let username = redis_username(settings.username.as_deref().or(username), claims.as_ref(), settings)?;
        let claims = claims.unwrap_or_default();
        let validity = Validity::new(&claims, left, expires_on, &clocks)
            .ok_or_else(|| bad("a token without saying when it expires"))?;
        Ok(Self {
            secret,
            username,
            remaining: validity.remaining.min(LONGEST_LIFE),
            lifetime: validity.nominal.unwrap_or(validity.remaining).min(LONGEST_LIFE),
            is_life_stated: validity.nominal.is_some(),
            refresh_in,
            sent_at: clocks.sent_at,
            not_before: validity.not_before.min(LONGEST_LIFE),
            skew_ms: clocks.skew_ms,
            uti: claims.text("uti").map(str::to_owned),
        })
    }

    /// A token that came by another way than HTTP, as from the host or a tool. `expires_unix`: its end since the Unix
    /// epoch by this machine's clock; without, the token's own counts.
    pub(crate) fn supplied(
        secret: &str,
        expires_unix: Option<Duration>,
        username: Option<&str>,
        settings: &Settings,
    ) -> Result<Self> {
        let (sent_at, here) = (entrakey_sys::clock::boot(), unix_now());
        Self::supplied_at(secret, expires_unix, username, settings, (sent_at, here))
    }

    /// The same with the time on the boot and wall clocks.
    pub(crate) fn supplied_at(
        secret: &str,
        expires_unix: Option<Duration>,
        username: Option<&str>,
        settings: &Settings,
        (sent_at, here): (Duration, Duration),
    ) -> Result<Self> {
        let statement = Statement {
            secret: Zeroizing::new(secret.to_owned()),
            left: expires_unix.map(|end| end.saturating_sub(here)),
            expires_on: None,
            refresh_in: None,
            username,
            clocks: Clocks { sent_at, here, date: None, skew_ms: None },
        };
        Self::new(statement, settings)
    }

    /// End of validity, on the boot clock.
    pub(crate) fn end(&self) -> Duration {
        self.sent_at + self.remaining
    }
}

fn bad(reason: &str) -> Error {
    Error::new(ErrorKind::BadResponse, format!("The token source answered {reason}."))
}

fn check_secret(secret: &str) -> Result<()> {
    if secret.is_empty() {
        return Err(bad("without a token"));
    }
    if secret.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(bad("a token that contains spaces or control characters"));
    }
    Ok(())
}

/// `given`: by the configuration or by the token's owner. Else a claim says it.
fn redis_username(given: Option<&str>, claims: Option<&Claims>, settings: &Settings) -> Result<String> {
    match (given, claims) {
        (Some(name), _) if is_username(name) => Ok(name.to_owned()),
        (Some(_), _) => {
            let message = "The host's own token came with a user name that is too long, or has blanks or characters \
                           that cannot be seen in it. Redis wants the object id of the identity.";
            Err(Error::new(ErrorKind::UsernameUnavailable, message))
        }
        (None, Some(claims)) => claims.username(&settings.username_claim),
        (None, None) => Claims::default().username(&settings.username_claim),
    }
}

/// How long a token is good, counted from when its request was sent.
struct Validity {
    remaining: Duration,
    /// From issue to expiry, if the token says it.
    nominal: Option<Duration>,
    not_before: Duration,
}

impl Validity {
    /// None if nothing says when the token expires.
    fn new(
        claims: &Claims,
        left: Option<Duration>,
        expires_on: Option<u64>,
        clocks: &Clocks,
    ) -> Option<Self> {
        // Whoever issued the token goes by a clock of its own: its `Date` shows it, or else what it says is left of a
        // token that says itself when it ends. This machine's clock says nothing of that, and may be off.
        let exp = claims.expires_at.map(Duration::from_secs);
        let by_what_is_left = || Some(exp?.saturating_sub(left?));
        let server_now = clocks.date.map(Duration::from_secs).or_else(by_what_is_left);
        let until =
            |moment: u64| Duration::from_secs(moment).saturating_sub(server_now.unwrap_or(clocks.here));
        let by_clock = |moment: u64| until(moment).saturating_sub(WHOLE_SECOND);
        let by_claim = claims.expires_at.map(by_clock).filter(|_| clocks.date.is_some() || left.is_none());
        let remaining = match (left, by_claim) {
            (Some(a), Some(b)) => a.min(b),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => by_clock(expires_on?),
        };
        let nominal = claims.issued_at.zip(claims.expires_at).and_then(|(iat, exp)| exp.checked_sub(iat));
        let nominal = nominal.filter(|nominal| *nominal > 0).map(Duration::from_secs);
        // No more can be left of a token than it lives; less than a second is lost on the way.
        let remaining = nominal.map_or(remaining, |nominal| nominal.min(remaining));
        let remaining = if remaining < WHOLE_SECOND { Duration::ZERO } else { remaining };
        let not_before = server_now.and(claims.not_before).map_or(Duration::ZERO, until);
        Some(Self { remaining, nominal, not_before })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Environment};
    use serde_json::{Value, json};

    fn settings(username: Option<&str>) -> Settings {
        let mut config = Config::new();
        config.set("identity", "managed_identity").unwrap();
        username.into_iter().for_each(|name| config.set("username", name).unwrap());
        Settings::resolve(&config, Environment::of([])).unwrap()
    }

    fn statement(secret: &str, left: Option<u64>, date: Option<u64>) -> Statement<'static> {
        Statement {
            secret: Zeroizing::new(secret.to_owned()),
            left: left.map(Duration::from_secs),
            expires_on: None,
            refresh_in: None,
            username: None,
            clocks: Clocks { sent_at: Duration::ZERO, here: unix_now(), date, skew_ms: None },
        }
    }

    fn jwt(claims: Value) -> String {
        use base64::Engine as _;
        format!("e30.{}.sig", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    /// What a token of `claims` amounts to with `left` seconds left, if its source says so, and the server's `date`.
    fn granted(claims: Value, left: Option<u64>, date: Option<u64>) -> Grant {
        Grant::new(statement(&jwt(claims), left, date), &settings(Some("me"))).unwrap()
    }

    #[test]
    fn an_absurd_lifetime_is_cut_to_one_that_clocks_can_add() {
        let grant =
            Grant::new(statement("opaque", Some(u64::MAX), Some(1_000)), &settings(Some("me"))).unwrap();
        assert_eq!((grant.remaining, grant.lifetime), (LONGEST_LIFE, LONGEST_LIFE));
    }

    #[test]
    fn without_a_date_the_sources_clock_is_what_is_left_of_the_token_taken_from_its_end() {
        let now = unix_now().as_secs();
        // This machine's clock is ten minutes slow, or fast: the source's is the one that counts.
        for theirs in [now + 600, now - 600] {
            let claims = json!({"iat": theirs - 300, "nbf": theirs - 300, "exp": theirs + 3600});
            let grant = granted(claims, Some(3600), None);
            assert_eq!((grant.remaining.as_secs(), grant.not_before), (3600, Duration::ZERO));
            assert_eq!(grant.lifetime.as_secs(), 3900);
        }
        let short = granted(json!({"exp": now - 300}), Some(300), None);
        assert_eq!(short.remaining.as_secs(), 300, "a clock that is 600 s off does not make it expired");
        let early = json!({"nbf": now + 900, "exp": now + 4200});
        assert_eq!(granted(early.clone(), Some(3600), None).not_before.as_secs(), 300);
        assert_eq!(granted(early, None, None).not_before, Duration::ZERO, "nothing shows the source's clock");
        let dated = json!({"nbf": 1_300, "exp": 4_600});
        assert_eq!(granted(dated, Some(3600), Some(1_000)).not_before.as_secs(), 300, "its Date shows it");
    }

    #[test]
    fn no_more_is_left_of_a_token_than_it_lives_and_less_than_a_second_is_nothing() {
        let hour = json!({"iat": 1_000, "exp": 4_600});
        assert_eq!(granted(hour.clone(), Some(86_400), None).remaining.as_secs(), 3600);
        assert_eq!(granted(hour, Some(0), None).remaining, Duration::ZERO);
        assert_eq!(granted(json!({"exp": 900}), None, Some(1_000)).remaining, Duration::ZERO);
    }

    #[test]
    fn a_hosts_own_token_ends_when_the_host_says_to_the_millisecond() {
        let end = unix_now() + Duration::from_millis(5_900);
        let grant = Grant::supplied("opaque", Some(end), None, &settings(Some("me"))).unwrap();
        let end_on_boot = grant.end();
        let over = end_on_boot.saturating_sub(entrakey_sys::clock::boot());
        let left = end.saturating_sub(unix_now());
        assert!(
            over <= left + Duration::from_millis(1) && grant.remaining > Duration::from_secs(5),
            "{over:?} of {left:?}"
        );
    }

    #[test]
    fn the_peers_tokens() {
        const OID: &str = "12345678-9abc-def-1234-56789abcdef0";
        let jwt = |claims: &str| jwt(serde_json::from_str(claims).unwrap());
        for case in crate::vectors::cases("parser") {
            let (token, settings, expires_in) = match case["name"].as_str().unwrap() {
                "2-part jwt" => ("h.p".to_owned(), settings(None), Some(3600)),
                "no oid" => (jwt(r#"{"sub":"s","exp":4600}"#), settings(None), None),
                "exp null" => (jwt(&format!(r#"{{"oid":"{OID}","exp":null}}"#)), settings(None), None),
                "missing exp" => (jwt(&format!(r#"{{"oid":"{OID}"}}"#)), settings(None), None),
                "empty" => (String::new(), settings(None), Some(3600)),
                "opaque" => ("abc".to_owned(), settings(Some("me")), Some(3600)),
                "oid ok" => (jwt(&format!(r#"{{"oid":"{OID}","exp":4600}}"#)), settings(None), None),
                other => panic!("no test for {other}"),
            };
            let expected = case["expect"].as_str().unwrap();
            match Grant::new(statement(&token, expires_in, Some(1_000)), &settings) {
                Ok(_) if expected.contains("ours: ok") => {}
                Ok(grant) => assert_eq!(grant.username, expected, "{case}"),
                Err(_) => assert!(expected.contains("error"), "{case}"),
            }
        }
    }
}
