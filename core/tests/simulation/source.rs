//! A token source with moods, whose answers look as those of servers do; the transport's own code reads them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entrakey_core::internals::{Answers, Grant, Now, error, http};
use entrakey_core::{Error, ErrorKind};
use serde_json::{Value, json};
use std::time::{Duration, UNIX_EPOCH};

/// What the source is like for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// A new token, quickly.
    Healthy,
    /// A new token, but it takes most of the time allowed.
    Slow,
    /// The token that it has, until little of it is left: what IMDS does.
    Repeating,
    /// Errors that pass.
    Failing,
    /// Refusals.
    Fatal,
    /// `Retry-After`, sometimes for a day.
    Throttling,
    /// Tokens that live much shorter.
    Short,
    /// Tokens that have expired.
    Expired,
    /// The ends of tokens: an hour's token with seconds left.
    Ending,
    /// Something that is no token.
    Garbage,
    /// No answer at all, or one long after it was given up.
    Hanging,
    /// Tokens that are not valid yet.
    Early,
}

const BAD_MOODS: [Mood; 11] = [
    Mood::Slow,
    Mood::Repeating,
    Mood::Failing,
    Mood::Fatal,
    Mood::Throttling,
    Mood::Short,
    Mood::Expired,
    Mood::Ending,
    Mood::Garbage,
    Mood::Hanging,
    Mood::Early,
];

/// Troubles scale with the tokens' life up to this. Longer ones only repeat the same steps.
const LONG_OUTAGE: Duration = Duration::from_secs(2 * 3600);

/// A token as the source knows it; times on the boot clock.
#[derive(Clone, Copy, Debug)]
pub struct Issued {
    pub id: u64,
    pub valid_from: Duration,
    pub expires: Duration,
    pub lifetime: Duration,
    pub form: Form,
}

/// What a token says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Nothing at all.
    Opaque,
    /// A JWT without its times.
    Timeless,
    /// A JWT that says when it ends, but not when it was issued.
    Endful,
    Whole,
}

/// Which kind of endpoint answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Entra,
    /// The instance metadata service: numbers are text, and there is `expires_on`.
    Imds,
    /// The host's own tokens, with an end on the host's clock.
    Host,
}

/// An answer on its way.
pub struct Reply {
    pub arrives: Duration,
    pub number: u64,
    pub sent_at: Duration,
    pub said: Said,
    /// The token in it.
    pub token: Option<Issued>,
    /// The `Retry-After` of a failure.
    pub asked: Option<Duration>,
    pub date: Date,
    /// Whether it is a refusal that trying again will hardly change.
    pub fatal: bool,
}

pub enum Said {
    Http(http::Response<Vec<u8>>),
    Own(Issued),
    /// No answer, and why.
    Nothing(ErrorKind),
}

/// How the header `Date` of an answer is related to the moment that it was written at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Date {
    Missing,
    Exact,
    /// The `Date` of the answer shows a moment that was so long ago.
    Early(Duration),
    /// Of a clock that is ahead of the one that the token's times come from.
    Late(Duration),
}

pub struct Source {
    pub mood: Mood,
    pub mood_since: Duration,
    mood_until: Duration,
    /// The nominal life of a token.
    pub lifetime: Duration,
    /// Whether its answers say when to come back (`refresh_in`).
    pub hints: bool,
    pub kind: Kind,
    /// Whether the Redis user name is configured: only then tokens that say nothing are of use.
    named: bool,
    /// How much earlier than it was issued a token is valid: five minutes with Entra.
    back_dated: Duration,
    /// Whether even the ends of tokens are not valid yet.
    ends_are_early: bool,
    answers: Answers,
    pub issued: Vec<Issued>,
    /// What the source's clock shows beyond whole seconds of the boot clock.
    offset: Duration,
}

impl Source {
    pub fn new(lifetime: Duration, now: Duration, rng: &mut fastrand::Rng) -> Self {
        let kind = [Kind::Entra, Kind::Imds, Kind::Entra, Kind::Imds, Kind::Host][rng.usize(..5)];
        let named = rng.bool();
        Self {
            mood: Mood::Healthy,
            mood_since: now,
            mood_until: now,
            lifetime,
            hints: rng.u8(..4) == 0,
            kind,
            named,
            back_dated: if rng.bool() { Duration::from_secs(300) } else { Duration::ZERO },
            ends_are_early: rng.u8(..4) == 0,
            answers: Answers::new(kind == Kind::Imds, named.then_some("oid")).expect("a user name"),
            issued: Vec::new(),
            offset: Duration::from_millis(rng.u64(0..1000)),
        }
    }

    /// When its mood changes next.
    pub fn next_change(&self) -> Duration {
        self.mood_until
    }

    pub fn change_mood(&mut self, now: Duration, rng: &mut fastrand::Rng) {
        let mood = if rng.bool() { Mood::Healthy } else { BAD_MOODS[rng.usize(..BAD_MOODS.len())] };
        if mood != self.mood {
            (self.mood, self.mood_since) = (mood, now);
        }
        let scale = if mood == Mood::Healthy { self.lifetime } else { self.lifetime.min(LONG_OUTAGE) };
        self.mood_until = now + scale.mul_f64(0.05 + 2.0 * rng.f64() * rng.f64());
    }

    /// Whether its refusals say when to come back.
    pub fn says_when(&self) -> bool {
        self.kind != Kind::Host
    }

    /// The source's clock at this moment of the boot clock, since the Unix epoch.
    pub fn clock(&self, now: Duration) -> Duration {
        now + self.offset
    }

    /// How the request that starts now will end, if it is given up after `timeout`. A slow source takes most of `patience`.
    pub fn ask(
        &mut self,
        number: u64,
        now: Duration,
        timeout: Duration,
        patience: Duration,
        rng: &mut fastrand::Rng,
    ) -> Reply {
        let quick = Duration::from_millis(5 + rng.u64(..45));
        let fatal = self.mood == Mood::Fatal;
        let nothing = |arrives, kind| Reply {
            arrives,
            number,
            sent_at: now,
            said: Said::Nothing(kind),
            token: None,
            asked: None,
            date: Date::Missing,
            fatal,
        };
        let latency = match self.mood {
            Mood::Slow => patience.mul_f64(0.3 + 0.6 * rng.f64()),
            _ => quick,
        };
        let at = now + latency / 2;
        let trouble = |source: &Self, status, body: &str, asked, rng: &mut fastrand::Rng| {
            let (said, date) = source.refusal(at, status, body, asked, rng);
            Reply { said, asked, date, ..nothing(now + latency, ErrorKind::CallbackFailed) }
        };
        match self.mood {
            Mood::Healthy | Mood::Short | Mood::Early | Mood::Ending | Mood::Expired | Mood::Slow => {
                let token = self.issue(at, rng);
                self.grant(token, at, nothing(now + latency, ErrorKind::Internal), rng)
            }
            Mood::Repeating => {
                let last = self.issued.last().copied();
                let keeps = |token: &Issued| {
                    let left = token.expires.saturating_sub(at);
                    left > self.lifetime.mul_f64(0.1) && left <= token.lifetime
                };
                let kept = last.filter(keeps);
                let token = kept.unwrap_or_else(|| self.issue(at, rng));
                self.grant(token, at, nothing(now + latency, ErrorKind::Internal), rng)
            }
            Mood::Failing if rng.bool() => nothing(now + quick, ErrorKind::Network),
            Mood::Failing => trouble(self, [500, 503, 504][rng.usize(..3)], "{}", None, rng),
            Mood::Garbage => trouble(self, 200, ["<html>Sign in</html>", "{}"][rng.usize(..2)], None, rng),
            Mood::Fatal => trouble(self, 400, REFUSAL, None, rng),
            Mood::Throttling => {
                let wait = if rng.u8(..10) == 0 { 86_400 } else { rng.u64(1..60) };
                trouble(self, 429, "{}", Some(Duration::from_secs(wait)), rng)
            }
            Mood::Hanging if rng.bool() => nothing(now + timeout, ErrorKind::Timeout),
            Mood::Hanging => {
                let late = now + timeout + Duration::from_millis(rng.u64(..20_000));
                let token = self.issue(late, rng);
                self.grant(token, late, nothing(late, ErrorKind::Internal), rng)
            }
        }
    }

    /// A new token. Its times are whole seconds of the source's clock.
    fn issue(&mut self, now: Duration, rng: &mut fastrand::Rng) -> Issued {
        let second = self.floor(now);
        let share = if self.mood == Mood::Short { 0.05 + 0.6 * rng.f64() } else { 1.0 };
        let lifetime = Duration::from_secs(self.lifetime.mul_f64(share).as_secs().max(3));
        let early = match self.mood {
            Mood::Early => rng.u64(1..=self.lifetime.as_secs().div_ceil(4)),
            Mood::Ending => u64::from(self.ends_are_early),
            _ => 0,
        };
        let left = match self.mood {
            Mood::Ending => Duration::from_secs(rng.u64(2..=2 + lifetime.as_secs() / 25)),
            Mood::Expired => Duration::from_secs(rng.u64(..2)),
            _ => lifetime,
        };
        let past = Duration::from_secs(if self.mood == Mood::Expired { rng.u64(..20) } else { 0 });
        let form = match rng.u8(..8) {
            0 | 1 if self.named && early == 0 => Form::Opaque,
            2 if early == 0 => Form::Timeless,
            3 => Form::Endful,
            _ => Form::Whole,
        };
        let id = self.issued.len() as u64 + 1;
        let expires = second + left - past;
        let issued = expires - lifetime;
        let valid_from =
            if early > 0 { second + Duration::from_secs(early) } else { issued - self.back_dated };
        let token = Issued { id, valid_from, expires, lifetime, form };
        self.issued.push(token);
        token
    }

    /// The token as clients see it. Its last part is its number.
    fn secret(&self, token: Issued) -> String {
        let unix = |moment: Duration| (moment + self.offset).as_secs();
        let mut claims = json!({"oid": "oid", "nbf": unix(token.valid_from), "uti": token.id.to_string()});
        match token.form {
            Form::Opaque => return format!("opaque.{}", token.id),
            Form::Timeless => {}
            Form::Endful => claims["exp"] = unix(token.expires).into(),
            Form::Whole => {
                claims["exp"] = unix(token.expires).into();
                claims["iat"] = unix(token.expires - token.lifetime).into();
            }
        }
        format!("e30.{}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()), token.id)
    }

    /// The number of a token that it has issued.
    pub fn id(secret: &str) -> u64 {
        secret.rsplit('.').next().and_then(|id| id.parse().ok()).unwrap_or(0)
    }

    /// An answer with a token, as servers give it: with a `Date` or without, with one of `expires_in` and the token's own
    /// times or both. Enough is there to tell how much is left and whether it is valid already.
    fn grant(&self, token: Issued, written: Duration, reply: Reply, rng: &mut fastrand::Rng) -> Reply {
        if self.kind == Kind::Host {
            return Reply { said: Said::Own(token), token: Some(token), ..reply };
        }
        let says_its_end = matches!(token.form, Form::Endful | Form::Whole);
        // By a clock that is ahead it would be valid before its time.
        let early = token.valid_from > written;
        let date = Some(self.date(rng)).filter(|date| !(early && matches!(date, Date::Late(_))));
        let date = date.unwrap_or(Date::Exact);
        let expires_on = self.kind == Kind::Imds && rng.bool();
        let exact = date == Date::Exact || matches!(date, Date::Late(_));
        let enough = exact && (says_its_end || expires_on);
        let left = token.expires.saturating_sub(written).as_secs();
        let mut body = json!({"token_type": "Bearer", "access_token": self.secret(token)});
        if !enough || rng.u8(..4) > 0 {
            body["expires_in"] = self.number(left);
        }
        if expires_on {
            body["expires_on"] = self.number(self.clock(token.expires).as_secs());
        }
        if let Some(hint) = self.hint(rng) {
            body["refresh_in"] = self.number(hint.as_secs());
        }
        let response = self.head(200, date, written).body(body.to_string().into_bytes());
        Reply { said: Said::Http(response.expect("an answer")), token: Some(token), date, ..reply }
    }

    fn date(&self, rng: &mut fastrand::Rng) -> Date {
        let part = |most: Duration, rng: &mut fastrand::Rng| most.min(self.lifetime / 20).mul_f64(rng.f64());
        match rng.u8(..8) {
            0 | 1 => Date::Missing,
            // A token that is valid only since it was issued would not be valid yet by such a Date.
            2 if !self.back_dated.is_zero() => Date::Early(part(Duration::from_secs(240), rng)),
            3 if self.lifetime >= Duration::from_secs(60) => Date::Late(part(Duration::from_secs(30), rng)),
            _ => Date::Exact,
        }
    }

    /// Azure's instance metadata service writes numbers as text.
    fn number(&self, number: u64) -> Value {
        if self.kind == Kind::Imds { number.to_string().into() } else { number.into() }
    }

    fn refusal(
        &self,
        written: Duration,
        status: u16,
        body: &str,
        asked: Option<Duration>,
        rng: &mut fastrand::Rng,
    ) -> (Said, Date) {
        if self.kind == Kind::Host {
            let kind = if status == 400 { ErrorKind::AuthRejected } else { ErrorKind::CallbackFailed };
            return (Said::Nothing(kind), Date::Missing);
        }
        let date = if rng.bool() { Date::Exact } else { Date::Missing };
        let mut head = self.head(status, date, written);
        if let Some(wait) = asked {
            // A moment is meant by the same clock as the Date.
            let until = UNIX_EPOCH + Duration::from_secs(self.clock(written).as_secs()) + wait;
            let moment = date == Date::Exact && rng.bool();
            let text = if moment { httpdate::fmt_http_date(until) } else { wait.as_secs().to_string() };
            head = head.header("Retry-After", text);
        }
        (Said::Http(head.body(body.as_bytes().to_vec()).expect("an answer")), date)
    }

    fn head(&self, status: u16, date: Date, written: Duration) -> http::response::Builder {
        let shown = match date {
            Date::Missing => return http::Response::builder().status(status),
            Date::Exact => written,
            Date::Early(by) => written - by,
            Date::Late(by) => written + by,
        };
        let shown = UNIX_EPOCH + Duration::from_secs(self.clock(shown).as_secs());
        http::Response::builder().status(status).header("Date", httpdate::fmt_http_date(shown))
    }

    /// What the transport makes of it now.
    ///
    /// # Errors
    /// What it amounts to.
    pub fn read(&self, reply: Reply, now: Now) -> Result<Grant, Error> {
        match reply.said {
            Said::Http(response) => self.answers.read(response, reply.sent_at, now.wall),
            Said::Own(token) => {
                let end = (now.wall + token.expires).saturating_sub(now.boot);
                self.answers.local(&self.secret(token), end, now.boot, now.wall)
            }
            Said::Nothing(kind) => Err(error(kind, None)),
        }
    }

    /// When it wants to be asked again: anything from at once to long after the token's end.
    fn hint(&self, rng: &mut fastrand::Rng) -> Option<Duration> {
        if !self.hints {
            return None;
        }
        match rng.u8(..8) {
            0 => None,
            1 => Some(Duration::ZERO),
            2 => Some(self.lifetime.mul_f64(1.0 + 3.0 * rng.f64())),
            3 => Some(self.lifetime.mul_f64(0.1 * rng.f64())),
            _ => Some(self.lifetime.mul_f64(rng.f64())),
        }
    }

    /// The last whole second of the source's clock, on the boot clock.
    fn floor(&self, now: Duration) -> Duration {
        Duration::from_secs((now + self.offset).as_secs()) - self.offset
    }
}

/// What Entra says to a wrong secret; the metadata service passes such words on.
const REFUSAL: &str = r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.","error_codes":[7000215]}"#;

/// A quick answer takes so long at most.
pub const QUICK: Duration = Duration::from_millis(50);
