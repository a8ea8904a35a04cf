//! When a request may start and when it must: what is known of that from outside. The engine draws at random
//! inside spans; what it says about its plans is checked against them and then held against it.

use crate::terms::{Life, Span, Terms};
use entrakey_core::{Error, ErrorKind};
use std::collections::VecDeque;
use std::time::Duration;

/// Who wants a request that the schedule does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Host,
    Rejection,
}

/// The request under way.
pub struct Flight {
    pub number: u64,
    /// By when it has certainly ended.
    pub ends_by: Duration,
    pub forced: Option<Cause>,
}

/// The last failure that no answer followed.
#[derive(Clone, Copy)]
pub struct Known {
    pub kind: ErrorKind,
    pub fatal: bool,
}

/// The valid token in hand: when it ends, and its life.
pub type Valid = Option<(Duration, Life)>;

pub struct Pacing {
    terms: Terms,
    /// The request that comes by itself; none before the first call.
    next: Option<Span>,
    /// Before this no request may start, whoever wants one.
    gate: Span,
    /// Both were drawn as one.
    tied: bool,
    wish: Option<Cause>,
    forced_gate: Duration,
    in_vain: u32,
    failures: u32,
    /// At least and at most so many.
    fatals: (u32, u32),
    hurried: bool,
    told_to_wait: bool,
    first: bool,
    /// Answers in a row that brought the end of a token.
    ends: u32,
    /// When the requests of the last minute started.
    starts: VecDeque<Duration>,
    /// Since when the answers bring nothing but the ends of long-lived tokens, after the third.
    at_ends_since: Option<Duration>,
    pub known: Option<Known>,
    pub flight: Option<Flight>,
}

/// A source that hands out the ends of tokens is asked so often at most, whoever wants a token.
const AT_ENDS_A_MINUTE: usize = 3;

impl Pacing {
    pub fn new(terms: Terms) -> Self {
        Self {
            terms,
            next: None,
            gate: Span::default(),
            tied: false,
            wish: None,
            forced_gate: Duration::ZERO,
            in_vain: 0,
            failures: 0,
            fatals: (0, 0),
            hurried: false,
            told_to_wait: false,
            first: true,
            ends: 0,
            starts: VecDeque::new(),
            at_ends_since: None,
            known: None,
            flight: None,
        }
    }

    /// A forked child that inherits a token: its first refresh is spread like that of any other first token,
    /// and even one near its end is not asked for by all the children at once.
    pub fn adopted(terms: Terms, now: Duration, life: Life) -> Self {
        let interval = terms.interval(Some(life.seen));
        let refresh = terms.refresh_after(life, None, true);
        let next = refresh.both(Span { from: Duration::ZERO, to: interval }).after(now);
        Self { next: Some(next), first: false, ..Self::new(terms) }
    }

    pub fn want(&mut self, cause: Cause) {
        // A rejection is the stronger reason.
        if self.wish != Some(Cause::Rejection) {
            self.wish = Some(cause);
        }
    }

    pub fn credential_changed(&mut self) {
        (self.in_vain, self.forced_gate) = (0, Duration::ZERO);
        self.want(Cause::Host);
    }

    /// The request that comes by itself, not before one may start.
    pub fn planned(&self) -> Option<Span> {
        self.next.map(|next| next.both(self.gate))
    }

    /// When a caller's request may start: after a fatal answer only the schedule's own.
    pub fn open(&self) -> Span {
        self.planned().filter(|_| self.is_refused()).unwrap_or(self.gate)
    }

    fn forced_at(&self) -> Span {
        self.gate.both(Span::at(self.forced_gate))
    }

    pub fn is_refused(&self) -> bool {
        self.known.is_some_and(|known| known.fatal)
    }

    pub fn attempts(&self) -> (u32, u32) {
        (self.failures + self.fatals.0, self.failures + self.fatals.1)
    }

    /// A request starts. `awaited`: a caller waits and there is nothing good to serve.
    pub fn start(
        &mut self,
        now: Duration,
        number: u64,
        awaited: bool,
        seen: Option<Duration>,
    ) -> Result<(), String> {
        if self.flight.is_some() {
            return Err("O2: two requests are under way".to_owned());
        }
        let forced = self.wish.filter(|_| now >= self.forced_gate);
        let rounding = Duration::from_micros(2);
        let early = self.gate.from.saturating_sub(now + rounding);
        if !early.is_zero() {
            return Err(format!("O6: a request {early:?} before one may start"));
        }
        let planned = self.planned();
        let due = planned.is_some_and(|planned| now + rounding >= planned.from);
        if !due && forced.is_none() && (!awaited || self.is_refused()) {
            let wait = planned.map(|planned| planned.from - now);
            return Err(format!("O6: a request that nobody wants; the planned one is {wait:?} away"));
        }
        if forced.is_some() {
            self.wish = None;
        }
        let since = self.at_ends_since.unwrap_or(now).max(now.saturating_sub(Duration::from_secs(59)));
        self.starts.retain(|start| *start > since);
        self.starts.push_back(now);
        if self.at_ends_since.is_some() && self.starts.len() > AT_ENDS_A_MINUTE {
            return Err("O6: a source of tokens' ends is asked more than three times a minute".to_owned());
        }
        let ends_by = now + self.terms.request_timeout(seen);
        self.flight = Some(Flight { number, ends_by, forced });
        Ok(())
    }

    /// A newer token came with the request under way. Whether somebody was refused with the one before.
    pub fn installed(&mut self, now: Duration, life: Life, hint: Option<Duration>, least: Duration) -> bool {
        let forced = self.flight.take().and_then(|flight| flight.forced);
        // Also one that came while the request was under way.
        let rejected = [forced, self.wish].contains(&Some(Cause::Rejection));
        self.renewed(now, life, hint, rejected, least);
        rejected
    }

    /// A token that had to wait is used now; a request may be under way, and is no longer a forced one.
    pub fn activated(&mut self, now: Duration, life: Life, hint: Option<Duration>) {
        self.renewed(now, life, hint, false, Duration::ZERO);
        self.flight.iter_mut().for_each(|flight| flight.forced = None);
    }

    fn renewed(
        &mut self,
        now: Duration,
        life: Life,
        hint: Option<Duration>,
        rejected: bool,
        least: Duration,
    ) {
        let interval = self.terms.interval(Some(life.seen)).max(least);
        self.answered(now + interval);
        let refresh = self.terms.refresh_after(life, hint, self.first).both(Span::at(interval));
        self.next = Some(refresh.after(now));
        self.first = false;
        if rejected {
            self.vain(now, Cause::Rejection, interval);
        } else {
            (self.in_vain, self.forced_gate) = (0, Duration::ZERO);
        }
    }

    /// An answer brought a token. The least wait that follows from how many in a row were the end of one.
    pub fn count_ends(&mut self, now: Duration, is_end: bool, lifetime: Duration) -> Duration {
        self.ends = if is_end { self.ends + 1 } else { 0 };
        let lasting = self.ends >= 3 && lifetime >= Duration::from_secs(1200);
        self.at_ends_since = lasting.then(|| self.at_ends_since.unwrap_or(now));
        Terms::end_interval(self.ends, lifetime)
    }

    /// With nothing valid in hand the request under way brought a token that is not valid yet.
    pub fn came_early(&mut self, now: Duration, interval: Duration, kind: ErrorKind) {
        let forced = self.flight.take().and_then(|flight| flight.forced);
        let failures = self.failures + 1;
        self.answered(now + interval);
        if let Some(cause) = forced {
            self.vain(now, cause, interval);
        }
        self.next = Some(Span::at(now + interval));
        (self.failures, self.hurried, self.known) = (failures, true, Some(Known { kind, fatal: false }));
    }

    /// The request under way brought nothing newer.
    pub fn not_newer(&mut self, now: Duration, valid: Valid, least: Duration) {
        let forced = self.flight.take().and_then(|flight| flight.forced);
        let interval = self.terms.interval(valid.map(|(_, life)| life.seen)).max(least);
        let before = self.next;
        self.answered(now + interval);
        if let Some(cause) = forced {
            self.vain(now, cause, interval);
        }
        let next = valid.map_or(Span::at(now), |(end, life)| {
            let poll = Span::at(self.terms.poll(now, end, life));
            let latest = Span::at(end.saturating_sub(self.terms.lower_bound(life.nominal)));
            match before {
                Some(before) if before.from > now => before.first(latest),
                Some(before) if before.to > now => before.first(latest).either(poll),
                _ => poll,
            }
        });
        self.next = Some(next.both(Span::at(now + interval)));
    }

    fn answered(&mut self, gate: Duration) {
        (self.gate, self.tied) = (Span::at(gate), false);
        (self.failures, self.fatals, self.known, self.wish) = (0, (0, 0), None, None);
        (self.hurried, self.told_to_wait) = (false, false);
    }

    fn vain(&mut self, now: Duration, cause: Cause, interval: Duration) {
        let most = Duration::from_secs(if cause == Cause::Host { 600 } else { 300 });
        self.forced_gate = now + interval.saturating_mul(1 << self.in_vain.min(30)).min(most);
        self.in_vain += 1;
    }

    /// The request under way failed. `seen`: of the valid token; `waiting`: whether a caller waits.
    pub fn failed(
        &mut self,
        now: Duration,
        error: &Error,
        asked: Option<Duration>,
        seen: Option<Duration>,
        waiting: bool,
        least: Duration,
    ) {
        if least.is_zero() {
            self.at_ends_since = None; // no answer: the source is in trouble of another kind
        }
        let forced = self.flight.take().and_then(|flight| flight.forced);
        // A forced request leaves the scheduled one where it is.
        let kept = self.next.filter(|next| forced.is_some() && next.to > now);
        self.known = Some(Known { kind: error.kind(), fatal: !error.is_retriable() });
        (self.hurried, self.told_to_wait) = (waiting, asked.is_some() || !least.is_zero());
        if error.is_retriable() {
            self.failures += 1;
            let asked = asked.map_or(Duration::ZERO, Terms::heeded);
            self.gate = self
                .terms
                .back_off(self.failures, seen, waiting)
                .after(now + asked)
                .both(Span::at(now + least));
            self.wish = self.wish.or(forced);
            self.next = Some(match kept.filter(|_| seen.is_some()) {
                Some(kept) if kept.from > now => kept,
                Some(kept) => kept.either(self.gate),
                None => self.gate,
            });
            self.tied = kept.is_none() || seen.is_none();
        } else {
            self.refused(now, forced, kept, seen);
        }
    }

    fn refused(&mut self, now: Duration, forced: Option<Cause>, kept: Option<Span>, seen: Option<Duration>) {
        let floor = self.terms.back_off(1, seen, false).from;
        (self.gate, self.tied) = (Span::at(now + floor), false);
        if let Some(cause) = forced {
            self.vain(now, cause, self.terms.interval(seen));
        }
        let certain = kept.is_some_and(|kept| kept.from > now);
        if certain && seen.is_some() {
            return; // never delayed by somebody who forced a request
        }
        let fewest = self.fatals.0 + u32::from(kept.is_none() || seen.is_none());
        self.fatals = (fewest, self.fatals.1 + 1);
        let wait = |fatals| Terms::fatal_wait(fatals, seen).after(now);
        let wait = Span { from: wait(self.fatals.0).from, to: wait(self.fatals.1).to };
        self.next = Some(match kept {
            None => wait,
            Some(kept) if certain => kept.first(wait),
            Some(kept) => kept.either(wait),
        });
    }

    /// A caller waits and nothing is valid: the next attempt after a failure is drawn nearer, once.
    pub fn hurry(&mut self, now: Duration) {
        if self.failures == 0 || self.is_refused() || self.hurried || self.told_to_wait {
            return;
        }
        self.hurried = true;
        let soon = self.terms.back_off(self.failures, None, true).after(now);
        self.gate = self.gate.first(soon);
        self.next = self.next.map(|next| next.first(soon));
    }

    /// The engine says when the next request is to start: that must be possible, and is held against it.
    pub fn believe(&mut self, claim: Option<Duration>) -> Result<(), String> {
        let planned = self.planned();
        let forced = self.wish.map(|_| self.forced_at());
        let expected = planned.map_or(forced, |planned| Some(forced.map_or(planned, |f| f.first(planned))));
        match (claim, expected) {
            (None, None) => return Ok(()),
            (Some(claim), Some(expected)) if expected.holds(claim) => {}
            _ => {
                return Err(format!("O6: the next request is planned at {claim:?}, not inside {expected:?}"));
            }
        }
        if self.wish.is_none() {
            self.next = claim.map(Span::at);
            self.gate = if self.tied { self.next.unwrap_or(self.gate) } else { self.gate };
        }
        Ok(())
    }

    /// What should have happened by now. `awaited`: a caller waits and nothing is valid.
    pub fn overdue(&self, now: Duration, awaited: bool) -> Option<&'static str> {
        if let Some(flight) = &self.flight {
            return (now > flight.ends_by).then_some("O2: a lost request is not given up");
        }
        if self.planned().is_some_and(|planned| now > planned.to) {
            return Some("O4: the planned request is not made");
        }
        if self.wish.is_some() && now > self.forced_at().to {
            return Some("O6: a forced request is not made");
        }
        (awaited && now > self.open().to).then_some("O4: a caller waits, and no request is made")
    }
}
