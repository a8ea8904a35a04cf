//! A token source with moods.

use entrakey_core::internals::{Grant, error};
use entrakey_core::{Error, ErrorKind};
use std::time::Duration;
use zeroize::Zeroizing;

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
    lifetime: Duration,
}

/// An answer on its way.
pub struct Reply {
    pub arrives: Duration,
    pub number: u64,
    pub outcome: Result<Grant, Error>,
    /// The `Retry-After` of a failure.
    pub asked: Option<Duration>,
}

pub struct Source {
    pub mood: Mood,
    pub mood_since: Duration,
    mood_until: Duration,
    /// The nominal life of a token.
    pub lifetime: Duration,
    /// Whether its answers say when to come back (`refresh_in`).
    pub hints: bool,
    /// How far off this machine's clock is, if its answers tell.
    skew_ms: Option<i64>,
    pub issued: Vec<Issued>,
    /// What the source's clock shows beyond whole seconds of the boot clock.
    offset: Duration,
}

impl Source {
    pub fn new(lifetime: Duration, now: Duration, rng: &mut fastrand::Rng) -> Self {
        Self {
            mood: Mood::Healthy,
            mood_since: now,
            mood_until: now,
            lifetime,
            hints: rng.u8(..4) == 0,
            skew_ms: rng.bool().then(|| rng.i64(-600_000..600_000)),
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

    /// How the request that starts now will end.
    pub fn ask(
        &mut self,
        number: u64,
        now: Duration,
        timeout: Duration,
        rng: &mut fastrand::Rng,
    ) -> Vec<Reply> {
        let quick = Duration::from_millis(5 + rng.u64(..45));
        let reply = |arrives, outcome| vec![Reply { arrives, number, outcome, asked: None }];
        match self.mood {
            Mood::Healthy | Mood::Short | Mood::Early | Mood::Ending => {
                let token = self.issue(now + quick / 2, rng);
                reply(now + quick, Ok(self.grant(token, now, now + quick / 2, rng)))
            }
            Mood::Slow => {
                let latency = timeout.mul_f64(0.3 + 0.6 * rng.f64());
                let token = self.issue(now + latency / 2, rng);
                reply(now + latency, Ok(self.grant(token, now, now + latency / 2, rng)))
            }
            Mood::Repeating => {
                let at = now + quick / 2;
                let last = self.issued.last().copied();
                let kept = last.filter(|token| token.expires.saturating_sub(at) > self.lifetime.mul_f64(0.1));
                let token = kept.unwrap_or_else(|| self.issue(at, rng));
                reply(now + quick, Ok(self.grant(token, now, at, rng)))
            }
            Mood::Expired => {
                let token = self.issued.last().copied().unwrap_or(OLD);
                let mut grant = self.grant(token, now, now, rng);
                grant.remaining =
                    Duration::from_millis(rng.u64(..1000)).min(token.expires.saturating_sub(now));
                reply(now + quick, Ok(grant))
            }
            Mood::Failing => reply(now + quick, Err(error(ErrorKind::Network, None))),
            Mood::Garbage => reply(now + quick, Err(error(ErrorKind::BadResponse, None))),
            Mood::Fatal => reply(now + quick, Err(error(ErrorKind::AuthRejected, None))),
            Mood::Throttling => {
                let wait = if rng.u8(..10) == 0 { 86_400 } else { rng.u64(1..60) };
                let asked = Some(Duration::from_secs(wait));
                let outcome = Err(error(ErrorKind::Throttled, asked));
                vec![Reply { arrives: now + quick, number, outcome, asked }]
            }
            Mood::Hanging if rng.bool() => reply(now + timeout, Err(error(ErrorKind::Timeout, None))),
            Mood::Hanging => {
                let late = now + timeout + Duration::from_millis(rng.u64(..20_000));
                let token = self.issue(late, rng);
                reply(late, Ok(self.grant(token, now, late, rng)))
            }
        }
    }

    /// A new token. Its times are whole seconds of the source's clock.
    fn issue(&mut self, now: Duration, rng: &mut fastrand::Rng) -> Issued {
        let second = self.floor(now);
        let share = if self.mood == Mood::Short { 0.05 + 0.6 * rng.f64() } else { 1.0 };
        let lifetime = self.lifetime.mul_f64(share);
        let early =
            if self.mood == Mood::Early { rng.u64(1..=self.lifetime.as_secs().div_ceil(4)) } else { 0 };
        let lifetime = Duration::from_secs(lifetime.as_secs().max(3));
        let valid_from = if early > 0 { second + Duration::from_secs(early) } else { second };
        let left = if self.mood == Mood::Ending {
            Duration::from_secs(rng.u64(2..=2 + lifetime.as_secs() / 25))
        } else {
            lifetime
        };
        let token = Issued { id: self.issued.len() as u64 + 1, valid_from, expires: second + left, lifetime };
        self.issued.push(token);
        token
    }

    /// As the transport makes it from what an answer says: `exp`, `iat`, `nbf` and a `Date` of whole seconds;
    /// `expires_in` and no `Date`; or `expires_in` alone, of a token that says nothing itself.
    fn grant(
        &self,
        token: Issued,
        sent_at: Duration,
        answered_at: Duration,
        rng: &mut fastrand::Rng,
    ) -> Grant {
        let second = Duration::from_secs(1);
        let left = Duration::from_secs(token.expires.saturating_sub(answered_at).as_secs());
        let date = self.floor(answered_at);
        let by_date = token.expires.saturating_sub(date).saturating_sub(second);
        let opaque = token.valid_from <= answered_at && token.lifetime.mul_f64(0.05) < left;
        let (remaining, lifetime, is_life_stated) = match rng.u8(..4) {
            0 => (left, token.lifetime, true),
            1 if opaque => (left, left, false),
            _ => (by_date, token.lifetime, true),
        };
        Grant {
            secret: Zeroizing::new(token.id.to_string()),
            username: "oid".to_owned(),
            remaining,
            lifetime,
            is_life_stated,
            refresh_in: self.hint(rng),
            sent_at,
            not_before: token.valid_from.saturating_sub(date),
            // As a `Date` shows it, to a second; some answers have none.
            skew_ms: self.skew_ms.map(|skew| skew + rng.i64(0..1000)).filter(|_| rng.u8(..4) > 0),
            uti: None,
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

/// A quick answer takes so long at most.
pub const QUICK: Duration = Duration::from_millis(50);

const OLD: Issued =
    Issued { id: 0, valid_from: Duration::ZERO, expires: Duration::ZERO, lifetime: Duration::from_secs(3) };
