//! Every length of time that must be kept, computed anew from the configured values: the formulas of the
//! model, not those of the engine. What is drawn at random is a [`Span`] here.

use crate::source::{Mood, Source};
use entrakey_core::internals::Policy;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
/// The longest wait after fatal answers, and the longest that a source can ask for.
const FIVE_MINUTES: Duration = Duration::from_secs(300);
const LONG_LIVED: Duration = Duration::from_secs(1200);

/// From the earliest to the latest moment, or from the shortest to the longest wait.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Span {
    pub from: Duration,
    pub to: Duration,
}

impl Span {
    pub fn at(moment: Duration) -> Self {
        Self { from: moment, to: moment }
    }

    pub fn after(self, now: Duration) -> Self {
        Self { from: now + self.from, to: now + self.to }
    }

    /// When the first of two things happens.
    pub fn first(self, other: Self) -> Self {
        Self { from: self.from.min(other.from), to: self.to.min(other.to) }
    }

    /// When both have happened.
    pub fn both(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), to: self.to.max(other.to) }
    }

    /// Either of two, it is not known which.
    pub fn either(self, other: Self) -> Self {
        Self { from: self.from.min(other.from), to: self.to.max(other.to) }
    }

    /// Whether it holds this moment, give or take what rounding costs.
    pub fn holds(self, moment: Duration) -> bool {
        let rounding = Duration::from_micros(2);
        moment + rounding >= self.from && moment <= self.to + rounding
    }
}

/// What the times of a token scale with.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    /// What was left when it was first seen.
    pub seen: Duration,
    /// From issue to expiry.
    pub nominal: Duration,
}

/// The configured values, and what follows from them.
#[derive(Clone)]
pub struct Terms(pub Policy);

impl Terms {
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

    /// The least time from an answer to the next request.
    pub fn interval(&self, seen: Option<Duration>) -> Duration {
        let most = self.0.min_interval;
        seen.map_or(most, |seen| seen.mul_f64(0.05).max(Duration::from_millis(250)).min(most))
    }

    pub fn request_timeout(&self, seen: Option<Duration>) -> Duration {
        let most = self.0.request_timeout;
        seen.map_or(most, |seen| seen.mul_f64(0.1).max(SECOND).min(most))
    }

    /// After three answers in a row with less than a twentieth of a token's life left the source is asked at most three
    /// times a minute.
    pub fn end_interval(ends: u32, nominal: Duration) -> Duration {
        let share = (nominal.as_secs_f64() / LONG_LIVED.as_secs_f64()).min(1.0);
        if ends < 3 { Duration::ZERO } else { (20 * SECOND).mul_f64(share) }
    }

    pub fn margin(&self, nominal: Duration) -> Duration {
        nominal.mul_f64(0.15).min(self.0.reauth_margin)
    }

    pub fn min_validity(&self, nominal: Duration) -> Duration {
        nominal.mul_f64(0.05).min(self.0.min_validity)
    }

    /// How long before expiry a new token is to be asked for at the latest.
    pub fn lower_bound(&self, nominal: Duration) -> Duration {
        nominal.mul_f64(0.25).min(self.0.lower_bound)
    }

    /// Over how long re-authentications are spread.
    pub fn spread(&self, life: Life) -> Duration {
        let wished = self.0.reauth_spread;
        if life.nominal < LONG_LIVED {
            return life.nominal.mul_f64(wished.min(0.025));
        }
        let fetch = self.request_timeout(Some(life.seen));
        let taken = self.margin(life.nominal) + fetch;
        life.nominal.mul_f64(wished).min(self.lower_bound(life.nominal).saturating_sub(taken))
    }

    /// The wait after the n-th failure in a row. Without a valid token a caller's patience counts.
    pub fn back_off(&self, failures: u32, seen: Option<Duration>, awaited: bool) -> Span {
        let (initial, max) = (self.0.retry_initial, self.0.retry_max);
        let (from, most) = match seen {
            Some(seen) => {
                let from = seen.mul_f64(0.01).max(Duration::from_millis(100)).min(initial);
                (from, seen.mul_f64(0.025).max(Duration::from_millis(250)).min(max))
            }
            None if awaited => (initial, max.min(self.0.get_token_timeout / 3)),
            None => (initial, max),
        };
        let doubled = from.saturating_mul(1 << failures.min(30));
        Span { from, to: doubled.min(most).max(from) }
    }

    /// The longest pause after a failure that passes by itself.
    pub fn longest_back_off(&self, seen: Option<Duration>) -> Duration {
        self.back_off(u32::MAX, seen, false).to
    }

    /// What a source asks for, as far as it is heeded.
    pub fn heeded(wish: Duration) -> Duration {
        wish.min(FIVE_MINUTES)
    }

    pub fn longest_fatal_wait(seen: Option<Duration>) -> Duration {
        seen.map_or(FIVE_MINUTES, |seen| seen.mul_f64(0.1).max(SECOND).min(FIVE_MINUTES))
    }

    /// The wait after the n-th fatal answer in a row: 5 s, doubling.
    pub fn fatal_wait(fatals: u32, seen: Option<Duration>) -> Span {
        let doubled = Duration::from_secs(5 << (fatals.clamp(1, 20) - 1));
        let wait = doubled.min(Self::longest_fatal_wait(seen));
        Span { from: wait.mul_f64(0.9), to: wait.mul_f64(1.1) }
    }

    /// From when a token is first seen until the next is asked for.
    pub fn refresh_after(&self, life: Life, hint: Option<Duration>, first: bool) -> Span {
        let Policy { refresh_ratio: ratio, refresh_jitter: jitter, .. } = self.0;
        let sane = hint.filter(|hint| (life.seen.mul_f64(0.1)..=life.seen).contains(hint));
        let room = life.seen.saturating_sub(self.lower_bound(life.nominal));
        let latest = life.seen.mul_f64(ratio).min(room).min(sane.unwrap_or(Duration::MAX));
        if jitter == 0.0 {
            return Span::at(latest);
        }
        if first {
            let share = |share: f64| latest.min(life.seen.mul_f64(ratio.min(share)));
            return Span { from: share(0.1), to: share(0.7) };
        }
        Span { from: latest.saturating_sub(life.seen.mul_f64(jitter)), to: latest }
    }

    /// The next question after an answer that brought nothing newer: a tenth of what is left before
    /// re-authentications have to begin.
    pub fn poll(&self, now: Duration, end: Duration, life: Life) -> Duration {
        let reserve = self.margin(life.nominal) + self.spread(life);
        now + end.saturating_sub(reserve).saturating_sub(now) / 10
    }

    /// The least mean time between requests that this mood of the source may cause, and how many may come at
    /// once. A second opinion on the pace that knows nothing of its rules.
    pub fn allowance(&self, source: &Source, seen: Option<Duration>) -> (Duration, f64) {
        let nominal = source.lifetime;
        let least = self.interval(seen).min(self.interval(Some(nominal)));
        // A token that is kept to its end costs 59 requests, if no less than the usual interval is configured.
        // Without any the interval alone counts.
        let usual = self.0.min_interval >= nominal.mul_f64(0.05).min(Duration::from_secs(30));
        let kept = if usual && seen.is_some() { nominal / 60 } else { Duration::ZERO };
        // A sane `refresh_in` can be as short as a tenth; a second or two are lost on the way.
        let longest = if source.hints { 0.1 } else { 0.65 };
        let share = (self.0.refresh_ratio.min(longest) - self.0.refresh_jitter).max(0.0);
        let renewals = seen.unwrap_or(nominal).mul_f64(share).max(least);
        let answers = kept.max(least).min(renewals);
        let failures = self.back_off(u32::MAX, seen, true).to / 5;
        let gap = match source.mood {
            // Two requests in one second bring the same expiry: short-lived tokens are asked for again.
            Mood::Healthy if nominal < Duration::from_secs(10) => least,
            Mood::Healthy => return (renewals, 5.0),
            Mood::Slow | Mood::Repeating | Mood::Short | Mood::Early => answers,
            Mood::Failing | Mood::Garbage => failures,
            Mood::Expired | Mood::Ending => failures.min(answers),
            Mood::Fatal => Self::longest_fatal_wait(seen).mul_f64(0.4),
            Mood::Throttling => Duration::from_secs(8),
            Mood::Hanging => self.request_timeout(seen) / 2,
        };
        // Before that the questions come ever closer, each after a tenth of what is left.
        // In the time that re-authentications need, one comes at every interval.
        let at_the_end = self.lower_bound(nominal).as_secs_f64() / least.as_secs_f64();
        (gap, 48.0 + at_the_end)
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

    /// Somebody may ask for one more.
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
