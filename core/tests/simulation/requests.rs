//! What was asked of the source, when, and what became of it. From that alone follow the bounds of what comes next:
//! never too often, whatever the source says, and never too late. What the engine says of its plans is held against it.

use crate::draws::Draw;
use crate::ledger::SLACK;
use crate::promise::{FIVE_MINUTES, Life, Promise};
use crate::source_life::Ending;
use entrakey_core::{Error, ErrorKind};
use std::collections::VecDeque;
use std::time::Duration;

/// How far rounding may move a time.
const ROUNDING: Duration = Duration::from_micros(2);
/// The instance metadata service is left alone for so long after it was in trouble (its own documentation).
const NEARBY_REST: Duration = Duration::from_secs(1);

/// Who wants a request that the schedule does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Host,
    Rejection,
}

impl Cause {
    /// Those who want other tokens in vain wait for so long in the end (model, rule 10).
    fn longest_wait(self) -> Duration {
        match self {
            Self::Host => 2 * FIVE_MINUTES,
            Self::Rejection => FIVE_MINUTES,
        }
    }
}

/// Why a request was made, as far as it can be seen from outside.
#[derive(Clone, Copy, Debug, Default)]
pub struct Forced {
    /// A host or server wanted a request.
    pub maybe: Option<Cause>,
    /// And there was no other reason.
    pub surely: bool,
}

/// The request under way.
pub struct Flight {
    pub number: u64,
    /// By when it has certainly ended, and may not have been given up before.
    pub ends_by: Duration,
    pub forced: Forced,
}

/// The last failure that no answer followed.
#[derive(Clone, Copy)]
pub struct LastFailure {
    pub kind: ErrorKind,
    pub fatal: bool,
}

/// The valid token in hand: when it ends, and its life.
pub type Valid = Option<(Duration, Life)>;

pub struct Requests {
    promise: Promise,
    pub flight: Option<Flight>,
    pub known: Option<LastFailure>,
    /// When the last one ended.
    last: Duration,
    /// No request may start before this, for whatever reason it is wanted.
    not_before: Duration,
    /// When a request starts for a caller with no valid token, at the latest.
    pub open_by: Duration,
    /// Whether the source itself said when to come back, or gives nothing but the ends of tokens.
    told_to_wait: bool,
    /// Whether the last one failed, and that passes by itself.
    passing: bool,
    /// When the scheduled request is made, at the earliest and at the latest.
    plan: Option<(Duration, Duration)>,
    /// Whether the engine has not yet said what it plans.
    is_plan_new: bool,
    /// What for, if it is drawn from the whole of its span.
    renewal: Option<Draw>,
    /// When the engine says that the next one comes, and what it said before somebody wanted one.
    claim: Option<Duration>,
    schedule: Option<Duration>,
    /// When callers were told that the next attempt is.
    said: Option<Duration>,
    wish: Option<Cause>,
    /// Somebody's wish may have been left open.
    may_want: Option<Cause>,
    /// The judge cannot tell which of two wishes is left.
    pub blurred: bool,
    wished_at: Duration,
    /// The requests that somebody wanted and that brought nothing, in a row: for certain, and perhaps.
    in_vain: Vec<Duration>,
    /// The shortest pause that followed one.
    pause_in_vain: Duration,
    perhaps_in_vain: u32,
    /// So far apart are such requests at most: by whoever wanted one of these.
    longest_in_vain: Duration,
    /// Refusals in a row, and the longest pause after each.
    refused: Vec<(Duration, Duration)>,
    /// Since the last answer, whatever else failed in between.
    refusals: u32,
    /// How often who waits has drawn the next attempt nearer.
    drawn_nearer: u32,
    /// Where in its span each plan lies: what is drawn at random has to look like it.
    pub draws: Vec<(Draw, f64)>,
    pub failures: (u32, u32),
    ends: u32,
    /// How long whoever wants a token waits after the ends of some.
    between_ends: Duration,
    certain_ends: u32,
    /// The shortest life of what these were the ends of.
    end_of: Duration,
    starts_at_ends: VecDeque<Duration>,
}

impl Requests {
    pub fn new(promise: Promise) -> Self {
        Self {
            promise,
            flight: None,
            known: None,
            last: Duration::ZERO,
            not_before: Duration::ZERO,
            open_by: Duration::ZERO,
            told_to_wait: false,
            passing: false,
            plan: None,
            is_plan_new: false,
            renewal: None,
            claim: None,
            schedule: None,
            said: None,
            wish: None,
            may_want: None,
            blurred: false,
            wished_at: Duration::ZERO,
            in_vain: Vec::new(),
            pause_in_vain: Duration::MAX,
            perhaps_in_vain: 0,
            longest_in_vain: Duration::ZERO,
            refused: Vec::new(),
            refusals: 0,
            drawn_nearer: 0,
            draws: Vec::new(),
            failures: (0, 0),
            ends: 0,
            between_ends: Duration::ZERO,
            certain_ends: 0,
            end_of: Duration::MAX,
            starts_at_ends: VecDeque::new(),
        }
    }

    /// A forked child that inherits a token with so much left asks by itself like any other.
    pub fn adopted(promise: Promise, now: Duration, life: Life) -> Self {
        let (_, by) = promise.renewal(life, None, true);
        let by = by.max(promise.pause(life.seen));
        Self { plan: Some((now, now + by)), ..Self::new(promise) }
    }

    pub fn want(&mut self, now: Duration, cause: Cause) {
        if self.wish.is_none() {
            self.wished_at = now;
        }
        // While a request for a rejection is under way the host's wish is another one: if that request fails, it is not
        // said which of the two the next is for.
        self.blurred |= self.flight.is_some() && cause == Cause::Host && self.wants(Cause::Rejection);
        // A rejection is the stronger reason.
        if self.wish != Some(Cause::Rejection) {
            self.wish = Some(cause);
        }
    }

    pub fn wants(&self, cause: Cause) -> bool {
        self.wish == Some(cause)
    }

    pub fn credential_changed(&mut self, now: Duration) {
        self.forget_what_was_in_vain();
        self.want(now, Cause::Host);
    }

    fn forget_what_was_in_vain(&mut self) {
        (self.in_vain, self.pause_in_vain) = (Vec::new(), Duration::MAX);
        (self.perhaps_in_vain, self.longest_in_vain) = (0, Duration::ZERO);
    }

    pub fn is_refused(&self) -> bool {
        self.known.is_some_and(|known| known.fatal)
    }

    fn plan_for(&mut self, from: Duration, by: Duration) {
        (self.plan, self.is_plan_new, self.schedule) = (Some((from, by)), true, None);
    }

    /// When the scheduled request comes, at the latest.
    pub fn planned_by(&self) -> Option<Duration> {
        self.plan.map(|(_, by)| by)
    }

    /// A request starts. `awaited`: a caller waits and there is nothing good to serve.
    pub fn start(
        &mut self,
        now: Duration,
        number: u64,
        awaited: bool,
        hand: Option<Duration>,
    ) -> Result<(), String> {
        if self.flight.is_some() {
            return Err("O2: two requests are under way".to_owned());
        }
        let early = self.not_before.saturating_sub(now + ROUNDING);
        if !early.is_zero() {
            return Err(format!("O6: a request {early:?} before one may start"));
        }
        let awaited = awaited && !self.is_refused();
        let due = awaited || self.schedule.is_some_and(|at| now + ROUNDING >= at);
        let not_due = !awaited && self.schedule.is_some_and(|at| now + ROUNDING < at);
        let wanted = self.wish.is_some() || self.may_want.is_some();
        if !due && !wanted {
            return Err(format!("O6: a request that nobody wants; planned at {:?}", self.claim));
        }
        // A rejection is the stronger reason.
        let maybe = self.may_want.filter(|cause| *cause == Cause::Rejection);
        let maybe = maybe.or(self.wish).or(self.may_want);
        let forced = Forced { maybe, surely: self.wish.is_some() && self.may_want.is_none() && not_due };
        self.check_forced(now, forced)?;
        self.check_refused(now, wanted)?;
        if self.certain_ends >= 3 {
            self.starts_at_ends.push_back(now);
        }
        let ends_by = now + self.promise.patience(hand);
        self.flight = Some(Flight { number, ends_by, forced });
        (self.may_want, self.said) = (None, None);
        Ok(())
    }

    /// Those who want other tokens in vain are heard ever more rarely: once in five or ten minutes in the end. So in any
    /// stretch there are no more than its doublings, and what those few minutes hold.
    fn check_forced(&self, now: Duration, forced: Forced) -> Result<(), String> {
        let Some(first) = self.in_vain.first().copied().filter(|_| forced.surely) else { return Ok(()) };
        let pause = self.pause_in_vain;
        let stretch = (now + ROUNDING).saturating_sub(first).as_secs_f64();
        let most = self.longest_in_vain.as_secs_f64();
        let allowed = 1.0 + (1.0 + stretch / pause.as_secs_f64()).log2().max(0.0) + stretch / most;
        let number = self.in_vain.len() as f64 + 1.0;
        (number <= allowed + 1e-6)
            .then_some(())
            .ok_or_else(|| format!("O6: {number} wanted requests in vain within {stretch} s"))
    }

    /// A refusal is tried again after 5 s, doubling to five minutes or a tenth of the life in hand.
    fn check_refused(&self, now: Duration, wanted: bool) -> Result<(), String> {
        let Some((first, most)) = self.refused.first().copied().filter(|_| !wanted) else { return Ok(()) };
        let stretch = (now + ROUNDING).saturating_sub(first).as_secs_f64();
        let most = self.refused.iter().fold(most, |least, (_, most)| least.min(*most)).as_secs_f64();
        let allowed = 1.0 + (1.0 + stretch / 4.5).log2() + stretch / (0.9 * most);
        let number = self.refused.len() as f64 + 1.0;
        (number <= allowed + 1e-6)
            .then_some(())
            .ok_or_else(|| format!("O6: {number} refused requests within {stretch} s"))
    }

    fn no_end(&mut self) {
        (self.certain_ends, self.end_of) = (0, Duration::MAX);
        self.starts_at_ends.clear();
    }

    /// A source that gives nothing but the ends of tokens is asked three times a minute at most, from the third on.
    fn end_came(&mut self, ending: Ending) -> Result<(), String> {
        self.ends = if ending.maybe.is_some() { self.ends + 1 } else { 0 };
        let Some(nominal) = ending.surely else {
            self.no_end();
            return Ok(());
        };
        (self.certain_ends, self.end_of) = (self.certain_ends + 1, self.end_of.min(nominal));
        if self.starts_at_ends.len() <= 3 {
            return Ok(());
        }
        let minute = 3 * Promise::between_ends(self.end_of);
        let (first, last) = (self.starts_at_ends.pop_front(), self.starts_at_ends.back());
        let took = last.copied().zip(first).map_or(Duration::MAX, |(last, first)| last - first + ROUNDING);
        (took >= minute)
            .then_some(())
            .ok_or_else(|| format!("O6: four requests within {took:?} to a source of tokens' ends"))
    }

    /// The request under way brought a token with so much `left`. `nearly_over`: too little to be an answer.
    pub fn answered(
        &mut self,
        now: Duration,
        left: Duration,
        ending: Ending,
        hand: Option<Duration>,
    ) -> Result<Forced, String> {
        let forced = self.landed(now);
        let lives = [hand.unwrap_or(left), left];
        self.not_before = now + self.promise.pause(lives[0].min(lives[1]));
        self.open_by = now + 2 * self.promise.pause(lives[0].max(lives[1]));
        (self.known, self.failures, self.refusals, self.told_to_wait) = (None, (0, 0), 0, false);
        (self.wish, self.may_want, self.blurred, self.refused) = (None, None, false, Vec::new());
        self.end_came(ending)?;
        self.hold_off(now, ending);
        Ok(forced)
    }

    /// From the third end in a row on callers have to wait too.
    fn hold_off(&mut self, now: Duration, ending: Ending) {
        self.between_ends =
            ending.maybe.filter(|_| self.ends >= 3).map_or(Duration::ZERO, Promise::between_ends);
        if !self.between_ends.is_zero() {
            self.told_to_wait = true;
            self.open_by = self.open_by.max(now + self.between_ends);
        }
    }

    fn landed(&mut self, now: Duration) -> Forced {
        (self.last, self.said, self.passing, self.drawn_nearer) = (now, None, false, 0);
        self.flight.take().map_or(Forced::default(), |flight| {
            if flight.forced.maybe.is_some() { flight.forced } else { Forced::default() }
        })
    }

    /// A request that somebody wanted brought nothing newer, or a token after a rejection.
    pub fn vain(&mut self, now: Duration, started: Forced, hand: Option<Duration>) {
        if let Some(cause) = started.maybe {
            self.perhaps_in_vain += 1;
            self.longest_in_vain = self.longest_in_vain.max(cause.longest_wait());
        }
        let pause = hand.map_or(self.promise.0.min_interval, |seen| self.promise.pause(seen));
        self.pause_in_vain = self.pause_in_vain.min(pause);
        if started.surely {
            self.in_vain.push(now);
        }
    }

    /// A newer token is in use.
    pub fn renewed(&mut self, now: Duration, life: Life, hint: Option<Duration>, first: bool) {
        let (from, by) = self.promise.renewal(life, hint, first);
        let is_plain = now + from > self.open_by && self.promise.0.refresh_jitter > 0.0 && hint.is_none();
        let draw = if first { Draw::First } else { Draw::Renewal };
        let (from, by) = (now + from, (now + by).max(self.open_by).max(now + self.promise.pause(life.seen)));
        self.plan_for(from.min(by), by);
        self.renewal = Some(draw).filter(|_| is_plain);
    }

    /// A token that had to wait is used now; a request may be under way, and is no longer a forced one.
    pub fn activated(&mut self, now: Duration, life: Life, hint: Option<Duration>, first: bool) {
        let pause = self.promise.pause(life.seen);
        (self.last, self.not_before, self.open_by) = (now, now + pause, now + 2 * pause);
        self.passing = false;
        (self.known, self.failures, self.told_to_wait, self.said) = (None, (0, 0), false, None);
        self.refusals = 0;
        (self.wish, self.may_want, self.refused) = (None, None, Vec::new());
        self.forget_what_was_in_vain();
        self.no_end();
        self.flight.iter_mut().for_each(|flight| flight.forced = Forced::default());
        self.renewed(now, life, hint, first);
    }

    /// A server may have refused the previous token.
    pub fn perhaps_in_vain(&mut self) {
        self.in_vain.clear();
        self.perhaps_in_vain += 1;
        self.longest_in_vain = self.longest_in_vain.max(FIVE_MINUTES);
    }

    /// Whether the source asked to be left alone, or gives nothing but the ends of tokens.
    pub fn is_held_off(&self) -> bool {
        self.told_to_wait
    }

    /// No server has refused the previous token.
    pub fn renewed_in_peace(&mut self) {
        self.forget_what_was_in_vain();
    }

    /// The answer brought nothing newer.
    pub fn not_newer(&mut self, now: Duration, valid: Valid) {
        let soon = self.open_by;
        let Some((end, life)) = valid else { return self.plan_for(self.not_before, soon) };
        let poll = now + end.saturating_sub(now) / 10;
        // A refresh that is planned for later stays where it is, but for a token that ends sooner.
        let latest = end.saturating_sub(self.promise.lead(life.nominal));
        let later = |at: Option<Duration>| at.filter(|at| *at > now).map(|at| at.min(latest));
        let planned = later(self.schedule.or(self.planned_by())).unwrap_or_default();
        let stays = later(self.schedule).unwrap_or_default();
        self.plan_for(self.not_before.max(stays), poll.max(planned).max(soon));
    }

    /// With nothing in hand a token came that is not valid yet.
    pub fn came_early(&mut self, kind: ErrorKind) {
        self.known = Some(LastFailure { kind, fatal: false });
        self.failures = (1, u32::MAX);
        self.plan_for(self.not_before, self.open_by);
    }

    /// The request under way failed. `hand`: of the valid token.
    pub fn failed(
        &mut self,
        now: Duration,
        error: &Error,
        asked: Option<Duration>,
        hand: Option<Duration>,
        ending: Option<Ending>,
        nearby: bool,
    ) -> Result<(), String> {
        let forced = self.landed(now);
        self.known = Some(LastFailure { kind: error.kind(), fatal: !error.is_retriable() });
        self.failures =
            (self.failures.0 + u32::from(forced.maybe.is_none()), self.failures.1.saturating_add(1));
        self.not_before = now + self.promise.rest(hand);
        (self.told_to_wait, self.passing) = (asked.is_some(), error.is_retriable());
        // LastFailure, or bounded.
        let known = self.schedule.filter(|at| *at > now && forced.surely && hand.is_some());
        let planned = self.schedule.or(self.planned_by()).filter(|at| *at > now);
        if error.is_retriable() {
            let rest = if nearby { NEARBY_REST } else { Duration::ZERO };
            let asked = asked.map_or(Duration::ZERO, |wish| wish.min(FIVE_MINUTES));
            self.not_before += asked;
            self.open_by = now + asked + self.promise.retry(hand, self.failures.1).max(rest);
            if let Some(ending) = ending {
                self.end_came(ending)?;
                self.hold_off(now, ending);
            } else {
                self.no_end();
                self.refused.clear();
            }
            let kept = planned.filter(|_| forced.maybe.is_some() && hand.is_some()).unwrap_or_default();
            self.plan_for(self.not_before, self.open_by.max(kept));
            self.may_want = forced.maybe.filter(|_| self.wish.is_none());
        } else {
            self.refusal(now, forced, planned, hand);
        }
        self.schedule = known;
        Ok(())
    }

    fn refusal(&mut self, now: Duration, forced: Forced, planned: Option<Duration>, hand: Option<Duration>) {
        self.no_end();
        self.vain(now, forced, hand);
        self.refusals = self.refusals.saturating_add(1);
        let by = now + Promise::after_refusal(hand, self.refusals).mul_f64(1.1);
        let by = match planned {
            // A forced request never delays the one that was planned.
            Some(planned) if forced.surely && hand.is_some() => planned,
            Some(planned) if forced.maybe.is_some() => planned.max(by),
            _ => by,
        };
        if forced.maybe.is_none() {
            self.refused.push((now, Promise::after_refusal(hand, u32::MAX)));
        }
        let by = by.max(self.not_before);
        self.plan_for(self.not_before, by);
        self.open_by = by;
        if forced.maybe.is_some() {
            // The request may have been the one that somebody wanted.
            (self.may_want, self.wish) =
                (self.wish.filter(|wish| *wish == Cause::Rejection).or(forced.maybe), None);
        }
    }

    /// The engine says when the next request comes: that is inside what is promised, and is held against it.
    pub fn believe(&mut self, claim: Option<Duration>) -> Result<(), String> {
        self.claim = claim;
        if self.flight.is_some() || self.wish.is_some() || self.may_want.is_some() {
            return Ok(());
        }
        let Some((from, by)) = self.plan else {
            return claim.is_none().then_some(()).ok_or_else(|| "O6: a request that nobody wants".to_owned());
        };
        let Some(at) = claim else { return Err("O4: nothing is planned".to_owned()) };
        // Whoever waits with nothing in hand draws it nearer.
        if at > by + ROUNDING || self.is_plan_new && at + ROUNDING < from {
            return Err(format!("O6: the next request is planned at {at:?}, not from {from:?} to {by:?}"));
        }
        if self.is_plan_new {
            self.drew(at);
        } else if self.schedule.is_some_and(|before| at + ROUNDING < before) {
            self.drawn_nearer += 1;
        }
        if self.drawn_nearer > 1 {
            return Err("O6: who waits draws the next attempt nearer more than once".to_owned());
        }
        (self.schedule, self.is_plan_new) = (claim, false);
        Ok(())
    }

    fn drew(&mut self, at: Duration) {
        let share = |from: Duration, by: Duration| {
            let span = by.saturating_sub(from);
            let is_inside = span > Duration::from_millis(10) && at >= from;
            is_inside.then(|| at.saturating_sub(from).as_secs_f64() / span.as_secs_f64())
        };
        let (from, by) = self.plan.unwrap_or_default();
        let draw = match self.known {
            None => self.renewal.map(|draw| (draw, share(from, by))),
            Some(known) if known.fatal => {
                let wait = by.saturating_sub(self.last).div_f64(1.1);
                Some((Draw::Refusal, share(self.last + wait.mul_f64(0.9), by)))
            }
            // Everybody was told the same moment.
            Some(_) if self.told_to_wait && self.ends < 3 => Some((Draw::Asked, share(from, by))),
            Some(_) if self.passing => Some((Draw::Retry, share(from, by))),
            Some(_) => None,
        };
        self.draws.extend(draw.and_then(|(draw, share)| Some((draw, share?))));
        self.renewal = None;
    }

    /// Callers are told when the next attempt is.
    pub fn said(&mut self, now: Duration, next: Duration) -> Result<(), String> {
        let by = self.open_for_who_waits(now).max(now);
        if next > by + ROUNDING {
            return Err(format!("O7: the next attempt is said to be at {next:?}, and promised by {by:?}"));
        }
        self.said = Some(self.said.map_or(next, |said| said.min(next)));
        Ok(())
    }

    /// When a request is made for those who wait with nothing in hand since then, at the latest.
    fn open_for_who_waits(&self, since: Duration) -> Duration {
        if !self.passing || self.told_to_wait {
            return self.open_by;
        }
        self.open_by.min(since.max(self.last) + self.promise.awaited_retry(self.failures.1).max(NEARBY_REST))
    }

    /// What somebody wants is asked for by then.
    fn wanted_by(&self, hand: Option<Duration>) -> Duration {
        let pause = hand.map_or(self.promise.0.min_interval, |seen| self.promise.pause(seen));
        let doubled = pause.max(self.between_ends).saturating_mul(2_u32.saturating_pow(self.perhaps_in_vain));
        let doubled = doubled.min(self.longest_in_vain.max(pause));
        let open =
            if self.is_refused() { self.last + self.promise.retry(hand, u32::MAX) } else { self.open_by };
        self.wished_at.max(open).max(self.last + doubled)
    }

    /// What should have happened by now. `starved`: since when a caller waits with nothing valid.
    pub fn overdue(
        &self,
        late: Duration,
        starved: Option<Duration>,
        hand: Option<Duration>,
    ) -> Option<String> {
        if let Some(flight) = &self.flight {
            return (late > flight.ends_by).then(|| "O2: a lost request is not given up".to_owned());
        }
        if self.claim.is_some_and(|claim| late > claim) {
            return Some("O4: the planned request is not made".to_owned());
        }
        if self.wish.is_some() && late > self.wanted_by(hand) {
            return Some("O6: a request that somebody wants is not made".to_owned());
        }
        let since = starved?;
        if late > self.open_for_who_waits(since) {
            return Some("O4: a caller waits, and no request is made".to_owned());
        }
        let said = self.said.filter(|said| late > *said + SLACK);
        said.map(|said| format!("O7: callers were told of an attempt at {said:?}, and none was made"))
    }
}
