//! What is promised in numbers: by the configuration's keys (docs/configuration.md) and by the model of the engine
//! (its sections are named). Only what somebody outside can count on is here, never how the engine keeps it: bounds,
//! which the engine's own times have to stay inside.

use crate::source::{Mood, Source};
use entrakey_core::internals::Policy;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const QUARTER: Duration = Duration::from_millis(250);
/// A source can ask for silence, and a refusal can silence a provider, for so long (model, rule 6 and §1).
pub const FIVE_MINUTES: Duration = Duration::from_secs(300);
/// What lives longer scales with its life no more (DESIGN §2.3: the caps hold from 20 minutes on).
pub const LONG_LIVED: Duration = Duration::from_secs(1200);
/// A caller is served within this share of the life after a usable answer was to be had, and a token with less left is
/// the end of one: half of it is the least pause between answers (model, §1 and rule 5).
const PAUSE: f64 = 0.05;

fn doubled(time: Duration, times: u32) -> Duration {
    time.saturating_mul(2_u32.saturating_pow(times))
}

/// What the times of a token scale with.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    /// The validity left when the token was first seen.
    pub seen: Duration,
    /// From issue to expiry.
    pub nominal: Duration,
}

/// The configured values, and what they promise.
#[derive(Clone)]
pub struct Promise(pub Policy);

impl Promise {
    /// The defaults half of the time, else anything that the configuration accepts; but for long-lived tokens
    /// nothing that makes for requests by the thousand, which only repeat the same steps.
    pub fn draw(lifetime: Duration, rng: &mut fastrand::Rng) -> Self {
        if rng.bool() {
            return Self(Policy::default());
        }
        let seconds = |choice: &[f64], rng: &mut fastrand::Rng| {
            Duration::from_secs_f64(choice[rng.usize(..choice.len())])
        };
        let share = |choice: &[f64], rng: &mut fastrand::Rng| choice[rng.usize(..choice.len())];
        let hasty = lifetime < LONG_LIVED;
        let reauth_margin = seconds(&[180.0, 180.0, 30.0, 1.0, 600.0], rng);
        let retry_initial = seconds(&[0.5, 0.5, 0.05, 5.0], rng);
        Self(Policy {
            refresh_ratio: share(&[0.7, 0.7, if hasty { 0.05 } else { 0.5 }, 0.3, 0.9, 1.0], rng),
            refresh_jitter: share(&[0.05, 0.05, 0.0, 0.0, 0.2, if hasty { 1.0 } else { 0.1 }], rng),
            lower_bound: seconds(&[300.0, 300.0, 1.0, 900.0], rng).max(reauth_margin),
            min_interval: seconds(if hasty { &[30.0, 0.1, 2.0] } else { &[30.0, 30.0, 20.0, 120.0] }, rng),
            retry_initial,
            retry_max: seconds(if hasty { &[30.0, 0.2, 5.0] } else { &[30.0, 30.0, 20.0, 120.0] }, rng)
                .max(retry_initial),
            request_timeout: seconds(&[10.0, 10.0, 0.5, 2.0, 60.0], rng),
            get_token_timeout: seconds(&[30.0, 30.0, if hasty { 5.0 } else { 60.0 }, 120.0], rng),
            reauth_margin,
            reauth_spread: share(&[0.1, 0.1, 0.0, 0.5, 1.0], rng),
            min_validity: seconds(&[60.0, 60.0, 0.1, 300.0], rng),
        })
    }

    /// Two requests after answers are never closer: 20 in a token's life, four a second, one in `min_request_interval_ms`.
    /// Those who wait for an answer wait for twice as long at most.
    pub fn pause(&self, seen: Duration) -> Duration {
        seen.mul_f64(PAUSE).max(QUARTER).min(self.0.min_interval)
    }

    /// Whether a token that comes with so much left is the end of one (rule 5).
    pub fn is_end(left: Duration, nominal: Duration) -> bool {
        left.is_zero() || left < nominal.mul_f64(PAUSE)
    }

    /// How far apart the requests of a source are that gives nothing but the ends of tokens: three a minute for those
    /// that live 20 minutes and more (rule 5).
    pub fn between_ends(nominal: Duration) -> Duration {
        (20 * SECOND).mul_f64((nominal.as_secs_f64() / LONG_LIVED.as_secs_f64()).min(1.0))
    }

    /// For how long a source may keep a request waiting: a tenth of the life of the token in hand, but a second.
    pub fn patience(&self, hand: Option<Duration>) -> Duration {
        let most = self.0.request_timeout;
        hand.map_or(most, |seen| most.min(SECOND.max(seen / 10)))
    }

    /// Connections are on a newer token so long before the older one ends (`reauth_margin_ms`; short tokens: 15 %).
    pub fn margin(&self, nominal: Duration) -> Duration {
        self.0.reauth_margin.min(nominal.mul_f64(0.15))
    }

    /// A caller gets a token with so much left, if there is any (`min_validity_ms`; short tokens: 5 %).
    pub fn least_validity(&self, nominal: Duration) -> Duration {
        self.0.min_validity.min(nominal.mul_f64(0.05))
    }

    /// A new token is asked for so long before the end (`refresh_lower_bound_ms`; short tokens: a quarter).
    pub fn lead(&self, nominal: Duration) -> Duration {
        self.0.lower_bound.min(nominal / 4)
    }

    /// Listeners hear of a token within this (`reauth_spread`, inside what `refresh_lower_bound_ms` leaves before the
    /// margin; short tokens: 2.5 %).
    pub fn spread(&self, nominal: Duration) -> Duration {
        let wished = self.0.reauth_spread;
        match nominal < LONG_LIVED {
            true => nominal.mul_f64(wished.min(0.025)),
            false => nominal.mul_f64(wished).min(self.lead(nominal) - self.margin(nominal)),
        }
    }

    /// After a failure a source is left alone for so long (`retry_initial_ms`; with a short token in hand less).
    pub fn rest(&self, hand: Option<Duration>) -> Duration {
        let initial = self.0.retry_initial;
        hand.map_or(initial, |seen| initial.min((seen / 100).max(Duration::from_millis(100))))
    }

    /// And asked again after so long (`retry_max_ms`; with a short token in hand 2.5 %), after the n-th in a row after its
    /// doublings.
    pub fn retry(&self, hand: Option<Duration>, failures: u32) -> Duration {
        let most = self.0.retry_max;
        let most = hand.map_or(most, |seen| most.min((seen / 40).max(QUARTER)));
        doubled(self.rest(hand), failures).min(most).max(self.rest(hand))
    }

    /// Whoever waits with nothing in hand waits for a third of a caller's patience (rule 5).
    pub fn awaited_retry(&self, failures: u32) -> Duration {
        let most = self.0.retry_max.min(self.0.get_token_timeout / 3);
        doubled(self.0.retry_initial, failures).min(most).max(self.0.retry_initial)
    }

    /// The n-th refusal in a row is tried again after 5 s, doubling to five minutes, with a token in hand to a tenth of its
    /// life (§1).
    pub fn after_refusal(hand: Option<Duration>, refusals: u32) -> Duration {
        let most = hand.map_or(FIVE_MINUTES, |seen| FIVE_MINUTES.min(SECOND.max(seen / 10)));
        doubled(5 * SECOND, refusals.saturating_sub(1)).min(most)
    }

    /// The share of life after which a renewal is asked for: not before, and at the latest. `hint`: the source's own wish.
    pub fn renewal(&self, life: Life, hint: Option<Duration>, first: bool) -> (Duration, Duration) {
        let share = |share: f64| life.seen.mul_f64(share);
        let by = share(self.0.refresh_ratio).min(life.seen.saturating_sub(self.lead(life.nominal)));
        let sane = hint.filter(|hint| *hint >= share(0.1) && *hint <= life.seen);
        let by = sane.map_or(by, |hint| hint.min(by));
        let jitter = share(self.0.refresh_jitter);
        let spread = first && !jitter.is_zero();
        (if spread { by.min(share(0.1)) } else { by.saturating_sub(jitter) }, by)
    }

    /// The least mean time between requests that this mood of the source may cause, and how many may come at once.
    pub fn allowance(&self, source: &Source, hand: Option<Duration>) -> (Duration, f64) {
        let nominal = source.lifetime;
        let least = hand.map_or(self.0.min_interval, |seen| self.pause(seen)).min(self.pause(nominal));
        // A token that is kept to its end costs 59 requests (model, §5), if no less than the usual interval is configured.
        let usual = self.0.min_interval >= nominal.mul_f64(PAUSE).min(Duration::from_secs(30));
        let kept = if usual && hand.is_some() { nominal / 60 } else { Duration::ZERO };
        // A sane `refresh_in` can be as short as a tenth; a second or two are lost on the way.
        let longest = if source.hints { 0.1 } else { 0.65 };
        let share = (self.0.refresh_ratio.min(longest) - self.0.refresh_jitter).max(0.0);
        let renewals = hand.unwrap_or(nominal).mul_f64(share).max(least);
        let answers = kept.max(least).min(renewals);
        // The mean of what is drawn up to the longest is half of it.
        let most = hand.map_or(self.awaited_retry(u32::MAX), |_| Duration::MAX);
        let failures = self.retry(hand, u32::MAX).min(most) / 4;
        let gap = match source.mood {
            // Two requests in one second bring the same expiry: short-lived tokens are asked for again.
            Mood::Healthy if nominal < Duration::from_secs(10) => least,
            Mood::Healthy => return (renewals, 5.0),
            Mood::Slow | Mood::Repeating | Mood::Short | Mood::Early => answers,
            Mood::Failing | Mood::Garbage => failures,
            Mood::Expired | Mood::Ending => failures.min(answers),
            Mood::Fatal => Self::after_refusal(hand, u32::MAX).mul_f64(0.8),
            Mood::Throttling if source.says_when() => Duration::from_secs(10),
            Mood::Throttling => failures,
            Mood::Hanging => self.patience(hand) / 2,
        };
        // With a token in hand the questions come ever closer, each after a tenth of what is left; in the time that
        // re-authentications need, one comes at every pause.
        let at_the_end = self.lead(nominal).as_secs_f64() / least.as_secs_f64();
        let at_once = match source.mood {
            Mood::Fatal => 10.0,
            Mood::Failing | Mood::Garbage | Mood::Throttling | Mood::Hanging => 16.0,
            _ => 48.0 + at_the_end,
        };
        (gap, at_once)
    }
}

/// How many requests may be made, as a balance that time fills.
#[derive(Default)]
pub struct Budget {
    balance: f64,
    at: Duration,
}

impl Budget {
    /// The source is another now: as many as may come at once.
    pub fn refill(&mut self, now: Duration, at_once: f64) {
        (self.balance, self.at) = (at_once, now);
    }

    /// A host or server may ask for one more.
    pub fn add(&mut self, more: f64) {
        self.balance += more;
    }

    /// Whether there was enough for one more request.
    pub fn spend(&mut self, now: Duration, (gap, at_once): (Duration, f64)) -> bool {
        let earned = (now - self.at).as_secs_f64() / gap.as_secs_f64();
        self.balance = (self.balance + earned).min(self.balance.max(at_once)) - 1.0;
        self.at = now;
        self.balance >= 0.0
    }
}
