//! What is remembered for judging: seen from outside, from what the source issued and what the machine said.

use crate::promise::Life;
use crate::requests::Forced;
use crate::source::Issued;
use crate::source_life::{Ending, SourceLife};
use entrakey_core::Token;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How late the simulated timer may ring.
pub const LATENESS: Duration = Duration::from_millis(10);
/// How late anything may be.
pub const SLACK: Duration = Duration::from_millis(20);

/// The token in service, as far as can be seen from outside.
#[derive(Clone)]
pub struct Serving {
    pub version: u64,
    pub token: Issued,
    pub published: Arc<Token>,
    /// End of validity as the machine counts it.
    pub end: Duration,
    pub life: Life,
    /// When the first request for a newer one was planned, at the latest.
    pub refresh_on: Duration,
    /// The wall clock has jumped ahead since its end was last seen: it may end sooner than it should.
    pub cut: bool,
}

/// A caller who waits.
#[derive(Clone, Copy)]
pub struct Caller {
    pub came: Duration,
    pub deadline: Duration,
    /// By when it must be answered: its deadline, or half of the little that the valid token had left.
    pub by: Duration,
    pub waits: bool,
}

/// What a listener is owed.
#[derive(Clone, Copy)]
pub struct Owed {
    pub version: u64,
    /// When the token came, and within how long it is to be told; none if at once.
    pub since: Duration,
    pub window: Option<Duration>,
    pub by: Duration,
}

/// An answer that the machine is being told of.
#[derive(Clone, Copy)]
pub struct Landing {
    pub id: u64,
    pub end: Duration,
    pub lifetime: Duration,
    pub not_before: Duration,
    pub hint: Option<Duration>,
    pub ending: Ending,
    /// Why the request was made that brought it.
    pub forced: Forced,
    /// Whether a server had refused the token in hand, and the request may be an answer to that.
    pub rejected: bool,
    pub certainly_rejected: bool,
}

impl Landing {
    /// With less than a second left, or a tenth of its life, it has expired on its way.
    pub fn has_expired(&self, now: Duration) -> bool {
        let left = self.end.saturating_sub(now);
        left.is_zero() || left < self.least_left()
    }

    pub fn least_left(&self) -> Duration {
        Duration::from_secs(1).min(self.lifetime / 10)
    }
}

/// A token that must not be used yet.
#[derive(Clone, Copy)]
pub struct Early {
    pub from: Duration,
    pub grant: Landing,
}

/// Everything that is remembered for judging, but for the pace.
#[derive(Default)]
pub struct Ledger {
    pub serving: Option<Serving>,
    pub landing: Option<Landing>,
    /// The failure that the machine is being told of: its `Retry-After`, and whether the source is to have a rest.
    pub refusal: Option<Option<Duration>>,
    pub waiting: BTreeMap<u64, Caller>,
    /// Whether a caller waited when the step began.
    pub waited: bool,
    /// Since when a caller waits and nothing valid is in hand.
    pub starved_since: Option<Duration>,
    pub owed: BTreeMap<u64, Owed>,
    pub early: Option<Early>,
    /// Until when nothing may be asked after a refusal or a `Retry-After`.
    pub held_off_until: Duration,
    /// How long the source's tokens live, as its answers have shown.
    pub shown: SourceLife,
    /// Whether the next token is the first of this process.
    pub seen_one: bool,
    /// The last that the source told of this machine's clock.
    pub skew_ms: Option<i64>,
    pub closed: bool,
}

/// What a listener's connections are on, as the machine can know it.
#[derive(Clone, Copy, Default, PartialEq)]
pub struct Term {
    pub version: u64,
    pub deadline: Duration,
    /// Over how long the news of a newer one may be spread.
    pub spread: Duration,
}

#[derive(Clone, Copy)]
pub struct Listener {
    /// When the call that was asked for begins: a dispatcher thread may be busy.
    pub begins: Option<Duration>,
    /// When its callback will return; none if it is not being called.
    pub returns: Option<Duration>,
    pub stalls: bool,
    pub panics: bool,
    pub acknowledges: bool,
    /// The version that the listener was told last; 0: none yet.
    pub told: Term,
    /// The version that the listener's connections are on.
    pub on: Term,
}
