//! What must hold, judged from outside: from what the source issued and what the machine said and did.
//! The rules are O1 to O8 of the model; the lengths of time are computed here anew.

use crate::source::Issued;
use entrakey_core::Token;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How late the simulated timer may ring.
pub const LATENESS: Duration = Duration::from_millis(10);

pub fn interval(left_when_seen: Option<Duration>) -> Duration {
    let (least, most) = (Duration::from_millis(250), Duration::from_secs(30));
    left_when_seen.map_or(most, |left| left.mul_f64(0.05).clamp(least, most))
}

pub fn first_back_off(left_when_seen: Option<Duration>) -> Duration {
    let (least, most) = (Duration::from_millis(100), Duration::from_millis(500));
    left_when_seen.map_or(most, |left| left.mul_f64(0.01).clamp(least, most))
}

pub fn longest_back_off(left_when_seen: Duration) -> Duration {
    left_when_seen.mul_f64(0.025).clamp(Duration::from_millis(250), Duration::from_secs(30))
}

/// Until a request has certainly ended: its time-out, and what it may overrun that by if its thread hangs.
pub fn request_end(left_when_seen: Duration) -> Duration {
    let timeout = left_when_seen.mul_f64(0.1).clamp(Duration::from_secs(1), Duration::from_secs(10));
    timeout + (timeout / 4).min(Duration::from_secs(1))
}

pub fn margin(nominal: Duration) -> Duration {
    nominal.mul_f64(0.15).min(Duration::from_secs(180))
}

/// How long before expiry a new token is to be asked for at the latest.
pub fn lower_bound(nominal: Duration) -> Duration {
    nominal.mul_f64(0.25).min(Duration::from_secs(300))
}

pub fn longest_fatal_wait(left_when_seen: Option<Duration>) -> Duration {
    let most = Duration::from_secs(300);
    left_when_seen.map_or(most, |left| left.mul_f64(0.1).clamp(Duration::from_secs(1), most)).mul_f64(1.1)
}

/// The longest pause after a failure that passes by itself; none without a valid token.
pub fn longest_retry_wait(left_when_seen: Option<Duration>) -> Duration {
    left_when_seen.map_or(Duration::from_secs(30), longest_back_off)
}

pub fn min_validity(nominal: Duration) -> Duration {
    nominal.mul_f64(0.05).min(Duration::from_secs(60))
}

/// The token in service, as far as can be seen from outside.
#[derive(Clone)]
pub struct Serving {
    pub version: u64,
    pub token: Issued,
    pub published: Arc<Token>,
    /// End of validity as the machine counts it, and the nominal life.
    pub end: Duration,
    pub nominal: Duration,
    /// What was left when it was first seen.
    pub seen: Duration,
    /// When the first request for a newer one was planned.
    pub refresh_on: Duration,
    /// A clock has jumped since it came: its life was cut short by nobody's fault.
    pub disturbed: bool,
}

/// A caller who waits.
#[derive(Clone, Copy)]
pub struct Caller {
    pub came: Duration,
    pub deadline: Duration,
    /// By when it must be answered: its deadline, or half of the little that the valid token had left.
    pub by: Duration,
}

/// How the last request ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Answer,
    Failure,
}

/// What a listener is owed.
#[derive(Clone, Copy)]
pub struct Owed {
    pub version: u64,
    pub by: Duration,
}

/// The request under way.
pub struct Flight {
    pub number: u64,
    /// When the next request by itself was planned when this one started: later only if this one was forced.
    pub planned: Duration,
}

/// Everything that is remembered for judging.
#[derive(Default)]
pub struct Ledger {
    pub serving: Option<Serving>,
    pub flight: Option<Flight>,
    /// End, kind, and the least pause that must follow.
    pub last_end: Option<(Duration, Ended, Duration)>,
    pub waiting: BTreeMap<u64, Caller>,
    /// Whether a forced request was wanted since the last token was installed.
    pub forced: bool,
    pub owed: BTreeMap<u64, Owed>,
    /// Until when nothing may be asked after a refusal or a `Retry-After`.
    pub held_off_until: Duration,
    /// When the first token that was not valid yet becomes so, and when it expires.
    pub early: Option<(Duration, Duration)>,
}
