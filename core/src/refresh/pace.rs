//! When the next request may be made, and when it must.

use super::policy::{Life, Policy};
use crate::error::Error;
use std::time::Duration;

/// Who wants a request that the schedule does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forced {
    /// The host called `refresh`.
    Host,
    /// A server refused the token.
    Rejection,
}

impl Forced {
    /// Forced requests that bring nothing new are spaced ever more widely, up to this.
    fn longest_wait(self) -> Duration {
        match self {
            Self::Host => Duration::from_secs(600),
            Self::Rejection => Duration::from_secs(300),
        }
    }
}

/// All times are on the boot clock.
#[derive(Default)]
pub(super) struct Pace {
    /// The next request that comes by itself; none before the first call.
    next: Option<Duration>,
    /// No request may start before this, for whatever reason it is wanted.
    gate: Duration,
    forced: Option<Forced>,
    forced_gate: Duration,
    /// Forced requests in a row that brought nothing newer.
    forced_in_vain: u32,
    /// Failures in a row: those that pass by themselves, and those that do not.
    failures: u32,
    fatals: u32,
    /// Whether a caller has already drawn the next attempt nearer.
    hurried: bool,
    /// The source said itself when to come back, so no caller may draw the next attempt nearer.
    told_to_wait: bool,
    last_error: Option<Error>,
    /// Answers in a row that brought the end of a token.
    ends: u32,
}

/// Who is affected by a failure.
pub(super) struct Context {
    pub(super) now: Duration,
    /// The life of the valid token in hand.
    pub(super) life: Option<Life>,
    /// Whether a caller waits.
    pub(super) awaited: bool,
    /// Why the failed request was made.
    pub(super) forced: Option<Forced>,
    /// The next request waits so long at least.
    pub(super) least: Duration,
}

impl Pace {
    /// A request is wanted at `at` and may be made at once.
    pub(super) fn schedule(&mut self, at: Duration) {
        self.next = Some(at);
    }

    /// The time of the scheduled request, even if none may start then.
    pub(super) fn next(&self) -> Option<Duration> {
        self.next
    }

    pub(super) fn last_error(&self) -> Option<&Error> {
        self.last_error.as_ref()
    }

    /// Failures in a row.
    pub(super) fn attempts(&self) -> u32 {
        self.failures.saturating_add(self.fatals)
    }

    pub(super) fn is_refused(&self) -> bool {
        self.last_error.as_ref().is_some_and(|error| !error.is_retriable())
    }

    /// A rejection is the stronger reason: what it brings is announced at once.
    pub(super) fn want_forced(&mut self, cause: Forced) {
        if !self.wants(Forced::Rejection) {
            self.forced = Some(cause);
        }
    }

    /// Whether a request is wanted for that reason and has not started yet.
    pub(super) fn wants(&self, cause: Forced) -> bool {
        self.forced == Some(cause)
    }

    /// What was tried in vain says nothing about what is tried next.
    pub(super) fn start_anew(&mut self) {
        self.forced_in_vain = 0;
        self.forced_gate = Duration::ZERO;
    }

    /// When a caller's request may start. After a fatal answer only the schedule starts one.
    pub(super) fn open_at(&self) -> Duration {
        self.planned().filter(|_| self.is_refused()).unwrap_or(self.gate)
    }

    /// The next request that comes by itself, not before one may start.
    fn planned(&self) -> Option<Duration> {
        self.next.map(|next| next.max(self.gate))
    }

    /// Whether a request is to start now; `awaited`: a caller waits and there is nothing good to serve.
    pub(super) fn is_due(&self, now: Duration, awaited: bool) -> bool {
        self.planned().is_some_and(|next| now >= next)
            || self.forced_due(now)
            || awaited && now >= self.open_at()
    }

    /// The request that starts now is a forced one, if one was wanted.
    pub(super) fn take_forced(&mut self, now: Duration) -> Option<Forced> {
        if self.forced_due(now) { self.forced.take() } else { None }
    }

    fn forced_due(&self, now: Duration) -> bool {
        self.forced.is_some() && now >= self.gate.max(self.forced_gate)
    }

    pub(super) fn alarm(&self, awaited: bool) -> Option<Duration> {
        let forced = self.forced.map(|_| self.gate.max(self.forced_gate));
        let caller = awaited.then(|| self.open_at());
        [self.planned(), forced, caller].into_iter().flatten().min()
    }

    /// An answer brought a token: how many in a row were the end of one.
    pub(super) fn count_ends(&mut self, is_end: bool) -> u32 {
        self.ends = if is_end { self.ends.saturating_add(1) } else { 0 };
        self.ends
    }

    /// With nothing valid in hand a token came that is not valid yet: a failure for whoever asks, but the source works,
    /// so the next request comes as after any answer.
    pub(super) fn came_early(&mut self, now: Duration, interval: Duration, error: Error) {
        let failures = self.failures.saturating_add(1);
        self.answered(now, interval);
        (self.failures, self.last_error, self.hurried) = (failures, Some(error), true);
        self.next = Some(self.gate);
    }

    /// The source answered: it is not asked again before `interval` is over.
    pub(super) fn answered(&mut self, now: Duration, interval: Duration) {
        let Self { next, forced_gate, forced_in_vain, ends, .. } = *self;
        *self = Self { next, gate: now + interval, forced_gate, forced_in_vain, ends, ..Self::default() };
    }

    /// A newer token came. What went before does not count, unless a rejection brought it: whoever rejects
    /// every token that there is must not cause a request for each.
    pub(super) fn renewed(&mut self, next: Duration, rejected: bool, now: Duration, interval: Duration) {
        self.next = Some(next);
        if rejected {
            self.forced_in_vain(Forced::Rejection, now, interval);
        } else {
            self.start_anew();
        }
    }

    /// A forced request brought nothing newer: the next one waits longer.
    pub(super) fn forced_in_vain(&mut self, cause: Forced, now: Duration, interval: Duration) {
        let wait =
            interval.saturating_mul(2_u32.saturating_pow(self.forced_in_vain)).min(cause.longest_wait());
        self.forced_in_vain = self.forced_in_vain.saturating_add(1);
        self.forced_gate = now + wait;
    }

    /// A request failed: plans the next one. Whoever forced a request does not thereby delay the scheduled one.
    pub(super) fn failed(
        &mut self,
        policy: &Policy,
        context: &Context,
        error: Error,
        random: &mut dyn FnMut() -> f64,
    ) {
        let Context { now, life, awaited, forced, least } = *context;
        let scheduled = self.next.filter(|next| forced.is_some() && *next > now);
        // With a token in hand nobody was in a hurry: whoever comes when it has ended draws the next attempt nearer.
        self.hurried = awaited && life.is_none();
        self.told_to_wait = error.retry_after().is_some() || !least.is_zero();
        if error.is_retriable() {
            self.failures = self.failures.saturating_add(1);
            let back_off = policy.back_off(self.failures, life, awaited, random());
            let wait = error.retry_after().map_or(back_off, |wish| policy.retry_after(wish, back_off));
            self.gate = now + wait.max(least).max(error.pause());
            if let Some(cause) = forced {
                self.want_forced(cause); // the host may have wished for one meanwhile, which weakens no rejection
            }
            // With nothing valid in hand it is the retry that matters.
            self.next = Some(scheduled.filter(|_| life.is_some()).unwrap_or(self.gate));
        } else {
            self.gate = now + policy.back_off(1, life, awaited, 0.0);
            if let Some(cause) = forced {
                self.forced_in_vain(cause, now, policy.interval(life));
            }
            if scheduled.is_none() || life.is_none() {
                self.fatals = self.fatals.saturating_add(1);
                let wait = now + policy.fatal_wait(self.fatals, life, random());
                self.next = Some(scheduled.map_or(wait, |scheduled| scheduled.min(wait)));
            }
        }
        self.last_error = Some(error);
    }

    /// With nothing valid and a caller who came after the failure, the next attempt is drawn nearer, once.
    pub(super) fn hurry(&mut self, policy: &Policy, now: Duration, random: &mut dyn FnMut() -> f64) {
        if self.failures == 0 || self.is_refused() || self.hurried || self.told_to_wait {
            return;
        }
        self.hurried = true;
        let pause = self.last_error.as_ref().map_or(Duration::ZERO, Error::pause);
        let soon = now + policy.back_off(self.failures, None, true, random()).max(pause);
        self.gate = self.gate.min(soon);
        self.next = self.next.map(|next| next.min(soon));
    }
}
