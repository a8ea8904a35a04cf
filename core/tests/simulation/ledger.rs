//! What is remembered for judging: seen from outside, from what the source issued and what the machine said.

use crate::source::Issued;
use crate::terms::{Life, Span};
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
    pub wait: bool,
}

/// What a listener is owed.
#[derive(Clone, Copy)]
pub struct Owed {
    pub version: u64,
    pub by: Duration,
}

/// An answer that the machine is being told of.
#[derive(Clone, Copy)]
pub struct Landing {
    pub id: u64,
    pub end: Duration,
    pub lifetime: Duration,
    /// How long the tokens of its source live, as far as can be known.
    pub usual: Duration,
    pub not_before: Duration,
    pub hint: Option<Duration>,
}

impl Landing {
    /// Whether it is the end of a token.
    pub fn is_end(&self, now: Duration) -> bool {
        self.end.saturating_sub(now) < self.usual.mul_f64(0.05)
    }

    /// With less left it has expired on its way.
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
    /// The `Retry-After` of the failure that the machine is being told of.
    pub asked: Option<Duration>,
    pub waiting: BTreeMap<u64, Caller>,
    /// Whether somebody waited when the step began.
    pub waited: bool,
    pub owed: BTreeMap<u64, Owed>,
    pub early: Option<Early>,
    /// Until when nothing may be asked after a refusal or a `Retry-After`.
    pub held_off_until: Duration,
    /// How long a token lives, as the last shows that was not the end of one.
    pub usual: Duration,
    /// The last that the source told of this machine's clock.
    pub skew_ms: Option<i64>,
    pub closed: bool,
}

/// What a listener's connections are on, as the machine can know it.
#[derive(Clone, Copy, Default, PartialEq)]
pub struct On {
    pub version: u64,
    pub deadline: Duration,
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
    /// What it was told last. Nothing is version 0.
    pub told: On,
    /// What its connections are on.
    pub on: On,
}

/// Used in messages.
pub fn outside(span: Span) -> String {
    format!("not inside {:?} to {:?}", span.from, span.to)
}
