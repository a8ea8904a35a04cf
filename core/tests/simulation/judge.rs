//! What must hold after each step: the rules O1 to O8 of the model.

use crate::ledger::{Caller, Early, LATENESS, Landing, SLACK, Serving};
use crate::promise::Life;
use crate::requests::{Cause, Forced, Valid};
use crate::source::{Form, Kind, Mood, QUICK, Source};
use crate::world::World;
use entrakey_core::{Error, ErrorKind, Token};
use std::sync::Arc;
use std::time::Duration;

impl World {
    pub fn fetch(&mut self, number: u64, timeout: Duration) {
        let (now, hand) = (self.now.boot, self.hand());
        self.sums.requests += 1;
        self.say(|_| format!("request {number}"));
        // Not the step's event alone brings callers: those that wait with little left count too.
        let awaited = self.ledger.waited && !self.is_usable();
        if let Err(wrong) = self.requests.start(now, number, awaited, hand) {
            return self.violate(&wrong);
        }
        let patience = self.promise.patience(hand);
        if timeout > patience + Duration::from_micros(2) {
            return self.violate("O6: a request may take longer than is promised");
        }
        if !self.budget.spend(now, self.promise.allowance(&self.source, hand)) {
            return self.violate("O6: more requests than there is any need for");
        }
        let reply = self.source.ask(number, now, timeout, patience, &mut self.rng);
        self.replies.push(reply);
    }

    pub fn failed(&mut self, error: &Error) {
        let (now, hand) = (self.now.boot, self.hand());
        let (landing, refusal) = (self.ledger.landing, self.ledger.refusal.take());
        let expired = landing.is_none_or(|landing| landing.has_expired(now));
        if !expired {
            return self.came_early(error);
        }
        self.ledger.landing = None;
        if landing.is_none() && refusal.is_none() {
            let due = self.requests.flight.as_ref().map_or(now, |flight| flight.ends_by);
            if now < due || error.kind() != ErrorKind::Timeout {
                self.violate("O7: a request is given up although its answer can still come");
            }
        }
        let (ending, asked) = (landing.map(|landing| landing.ending), refusal.flatten());
        let nearby = refusal.is_some() && self.source.kind == Kind::Imds;
        if let Err(wrong) = self.requests.failed(now, error, asked, hand, ending, nearby) {
            self.violate(&wrong);
        }
        let held_off = asked.is_some() || !error.is_retriable() || self.requests.is_held_off();
        self.ledger.held_off_until = if held_off { self.requests.open_by } else { Duration::ZERO };
    }

    /// With nothing valid in hand a token that is not valid yet is a failure, and the source is asked again as after any
    /// answer.
    fn came_early(&mut self, error: &Error) {
        let Some(answer) = self.accept() else { return };
        if answer.not_before.is_zero() || self.valid().is_some() {
            return self.violate("O5: an answer with enough left counts as a failure");
        }
        if error.kind() != ErrorKind::BadResponse || !error.message().contains("valid only from") {
            self.violate("O4: the error does not say from when the token is valid");
        }
        let now = self.now.boot;
        self.keep_for_later(now, answer);
        self.requests.came_early(error.kind());
        self.requests.vain(now, answer.forced, Some(answer.end - now));
        self.ledger.held_off_until = self.requests.open_by;
    }

    /// The answer that has come is taken note of, once.
    fn accept(&mut self) -> Option<Landing> {
        let (now, hand) = (self.now.boot, self.hand());
        let landing = self.ledger.landing.take()?;
        let left = landing.end.saturating_sub(now);
        if let Err(wrong) = self.requests.answered(now, left, landing.ending, hand) {
            self.violate(&wrong);
        }
        Some(landing)
    }

    pub fn publish(&mut self, token: &Arc<Token>) {
        let id = Source::id(token.secret());
        let end = self.now.boot + token.left(self.now);
        let version = self.ledger.serving.as_ref().map_or(0, |serving| serving.version);
        if let Some(serving) = self.ledger.serving.as_mut().filter(|_| token.version() == version) {
            (serving.end, serving.published, serving.cut) = (end, token.clone(), false);
            if serving.token.id != id {
                self.violate("O3: another token under the same version");
            }
            return;
        }
        if token.version() != version + 1 {
            return self.violate("O3: a version is left out");
        }
        let ripe = self.ledger.early.filter(|early| early.grant.id == id && early.from <= self.now.boot);
        let landed = self.ledger.landing.filter(|landing| landing.id == id);
        match (ripe, landed) {
            (Some(early), _) => self.take_into_service(token, early.grant, true),
            (None, Some(landing)) => self.take_into_service(token, landing, false),
            (None, None) => self.violate("O3: a token is published that has not just come"),
        }
    }

    fn take_into_service(&mut self, token: &Arc<Token>, grant: Landing, ripened: bool) {
        let now = self.now.boot;
        if let Some(wrong) = self.published_wrongly(&grant, ripened) {
            self.violate(wrong);
        }
        if token.left(self.now) != grant.end.saturating_sub(now) {
            self.violate("O5: a token is published with another end than it came with");
        }
        let seen = grant.end.saturating_sub(now);
        let life = Life { seen, nominal: grant.lifetime.max(seen) };
        let first = !std::mem::replace(&mut self.ledger.seen_one, true);
        if ripened {
            self.requests.activated(now, life, grant.hint, first);
            // Whatever was counted of the source's trouble begins anew.
            let (_, at_once) = self.promise.allowance(&self.source, None);
            self.budget.refill(now, at_once);
        } else {
            self.accept();
            self.requests.renewed(now, life, grant.hint, first);
            match grant.certainly_rejected {
                true => self.requests.vain(
                    now,
                    Forced { maybe: Some(Cause::Rejection), ..grant.forced },
                    Some(seen),
                ),
                false if grant.rejected => self.requests.perhaps_in_vain(),
                false => self.requests.renewed_in_peace(),
            }
            self.hold_off();
        }
        self.ledger.early = self.ledger.early.filter(|early| early.grant.end > grant.end && !ripened);
        let Some(issued) = self.source.issued.get(grant.id as usize - 1).copied() else {
            return self.violate("O5: a token that was never issued is published");
        };
        self.sums.tokens += 1;
        self.ledger.serving = Some(Serving {
            version: token.version(),
            token: issued,
            published: token.clone(),
            end: grant.end,
            life,
            refresh_on: self.next_chance(),
            cut: false,
        });
        self.owe(token.version(), !ripened && grant.certainly_rejected);
    }

    /// When the source can be asked next, at the latest: a request that was begun before this token, with
    /// nothing in hand, takes the time that it was given.
    fn next_chance(&self) -> Duration {
        let planned = self.requests.planned_by().unwrap_or(self.now.boot);
        self.requests.flight.as_ref().map_or(planned, |flight| planned.max(flight.ends_by))
    }

    fn published_wrongly(&self, grant: &Landing, ripened: bool) -> Option<&'static str> {
        let (now, serving) = (self.now.boot, self.ledger.serving.as_ref()?);
        if !ripened && !grant.not_before.is_zero() {
            return Some("O5: a token is used before its time");
        }
        (!self.is_better(now, grant, serving, !ripened && grant.forced.maybe.is_some()))
            .then_some("O3: a token is replaced by one that expires no later")
    }

    /// Only one that lives longer is better, or any other that lives long enough if one was asked for.
    fn is_better(&self, now: Duration, grant: &Landing, serving: &Serving, forced: bool) -> bool {
        let left = self.left(serving);
        if left.is_zero() || grant.end > serving.end {
            return true;
        }
        let new = grant.end.saturating_sub(now);
        let enough = self.promise.least_validity(grant.lifetime.max(new)).max(left / 2);
        forced && new >= enough
    }

    /// Takes note of what has come, before anything is done about it.
    pub fn conclude(&mut self) {
        let now = self.now.boot;
        if self.ledger.landing.is_some() {
            self.conclude_answer(now);
        }
        if self.ledger.early.is_some_and(|early| early.from <= now) {
            self.violate("O4: a token that has become valid is not used");
            self.ledger.early = None;
        }
    }

    /// An answer that brought neither a failure nor a token for use.
    fn conclude_answer(&mut self, now: Duration) {
        let hand = self.hand();
        let Some(landing) = self.accept() else { return };
        let again = self.ledger.serving.as_ref().is_some_and(|serving| serving.token.id == landing.id);
        let is_better = |serving| self.is_better(now, &landing, serving, landing.forced.surely);
        let better = self.ledger.serving.as_ref().is_none_or(is_better);
        if !again && !landing.not_before.is_zero() {
            if self.valid().is_none() {
                self.violate("O4: a token that is not valid yet, with nothing in hand, is no failure");
            }
            self.keep_for_later(now, landing);
        } else if !again && better {
            self.violate("O3: a better token is not used");
        }
        self.requests.vain(now, landing.forced, hand.or(self.hand()));
        self.requests.not_newer(now, self.valid());
        self.hold_off();
    }

    /// A source that hands out the ends of tokens is asked rarely, also when it has just got better.
    fn hold_off(&mut self) {
        if self.requests.is_held_off() {
            self.ledger.held_off_until = self.requests.open_by;
        }
    }

    fn keep_for_later(&mut self, now: Duration, grant: Landing) {
        let from = now + grant.not_before;
        let useful = grant.end > from + grant.least_left();
        if useful && self.ledger.early.is_none_or(|early| from < early.from) {
            self.ledger.early = Some(Early { from, grant });
        }
    }

    /// A token whose time has come when there is a better one will not be used.
    pub fn forget_early(&mut self) {
        if self.ledger.early.is_none() {
            return;
        }
        let (now, held) = (self.now.boot, self.valid());
        self.ledger.early = self.ledger.early.filter(|early| {
            let outlived = held.is_some_and(|(end, _)| end >= early.grant.end) || early.grant.end <= now;
            early.from > now || !outlived
        });
    }

    pub fn resolve(&mut self, id: u64, answer: Result<Arc<Token>, Error>) {
        let Some(caller) = self.ledger.waiting.remove(&id) else {
            return self.violate("O7: a caller is answered twice");
        };
        let wrong = match answer {
            Ok(token) => self.served_wrongly(&token, caller),
            Err(error) => {
                self.say(|_| format!("call {id} gets {}", error.kind().name()));
                self.refused_wrongly(&error, caller)
            }
        };
        if let Some(wrong) = wrong {
            self.violate(&wrong);
        }
    }

    fn served_wrongly(&self, token: &Arc<Token>, caller: Caller) -> Option<String> {
        let now = self.now.boot;
        let Some(serving) = &self.ledger.serving else { return Some("O5: a token from nowhere".to_owned()) };
        if self.ledger.closed {
            return Some("O7: a closed provider hands out a token".to_owned());
        }
        if Source::id(token.secret()) != serving.token.id {
            return Some("O5: another token than the newest is handed out".to_owned());
        }
        // Without a Date the source's clock is known to a second.
        let from = serving.token.valid_from.saturating_sub(Duration::from_secs(1));
        if now < from && serving.token.form != Form::Timeless || now >= serving.token.expires {
            return Some(format!("O5: {:?} is handed out outside its validity", serving.token));
        }
        let hopes = self.requests.flight.is_some() && caller.waits && caller.by < caller.deadline;
        let hopes = hopes && now + LATENESS < caller.by;
        if !self.is_usable() && hopes {
            return Some(
                "O5: a token with little left is handed out while a better one is under way".to_owned(),
            );
        }
        let excused = self.requests.flight.is_some() || now < self.requests.open_by + LATENESS;
        (!self.is_usable() && !excused)
            .then(|| "O5: a token with little left is handed out without need".to_owned())
    }

    fn refused_wrongly(&mut self, error: &Error, caller: Caller) -> Option<String> {
        let kind = error.kind();
        if self.ledger.closed || kind == ErrorKind::Closed {
            let both = self.ledger.closed && kind == ErrorKind::Closed;
            return (!both).then(|| format!("O7: {kind:?} around the end"));
        }
        if self.valid().is_some() {
            return Some(format!("O4: {error} while a valid token is held"));
        }
        let known = self.requests.known.map(|known| known.kind);
        if self.requests.flight.is_some() {
            let at_once = !caller.waits && known == Some(kind);
            let in_time = kind == ErrorKind::Timeout && self.now.boot >= caller.deadline;
            return (!at_once && !in_time).then(|| format!("O7: {kind:?} while a request is under way"));
        }
        if kind != known.unwrap_or(ErrorKind::Timeout) {
            return Some(format!("O7: {kind:?}, and the last error is {known:?}"));
        }
        self.turned_away_wrongly(error, caller, known.is_some())
            .or_else(|| self.timed_out_wrongly(kind, caller))
    }

    /// A caller gets an error with no request under way only at its deadline, or because waiting cannot help.
    fn turned_away_wrongly(&mut self, error: &Error, caller: Caller, known: bool) -> Option<String> {
        let now = self.now.boot;
        let Some(next) = error.retry_in().map(|wait| now + wait) else {
            return Some("O7: an error that does not say when the next attempt is".to_owned());
        };
        let early = self.ledger.early.map(|early| early.from.max(now));
        match early {
            Some(early) if next > early => {
                return Some(format!("O7: the next attempt at {next:?}, and a token is valid at {early:?}"));
            }
            Some(early) if next == early => {}
            _ => {
                if let Err(wrong) = self.requests.said(now, next) {
                    return Some(wrong);
                }
            }
        }
        let hopeless = self.requests.is_refused() || next >= caller.deadline || !caller.waits && known;
        (!hopeless).then(|| format!("O7: {error} although waiting could help"))
    }

    fn timed_out_wrongly(&self, kind: ErrorKind, caller: Caller) -> Option<String> {
        let healthy_since = caller.came.max(self.source.mood_since).max(self.ledger.held_off_until);
        let healthy = self.source.mood == Mood::Healthy && kind == ErrorKind::Timeout;
        // What began or was planned before, and then an answer.
        let pause = self.promise.retry(None, u32::MAX).max(2 * self.promise.0.min_interval);
        let enough = self.promise.patience(None) + pause + QUICK + SLACK;
        (healthy && self.now.boot >= healthy_since + enough)
            .then(|| "O7: a time-out although the source was healthy long enough".to_owned())
    }

    /// Every caller that can be answered is answered.
    fn check_waiting(&self) -> Option<&'static str> {
        let (usable, valid) = (self.is_usable(), self.valid().is_some());
        let (idle, refused) = (self.requests.flight.is_none(), self.requests.is_refused());
        let known = self.requests.known.is_some();
        self.ledger.waiting.values().find_map(|caller| {
            if usable {
                return Some("O1: a usable token is there, and a call waits");
            }
            if valid {
                return (idle || !caller.waits).then_some("O1: a call waits for nothing");
            }
            if !caller.waits && known {
                return Some("O7: a caller that does not want to wait does, and the last error is known");
            }
            (idle && refused).then_some("O7: a refusal is not passed on at once")
        })
    }

    /// What every step leaves behind.
    pub fn check_step(&mut self) {
        if !self.ledger.waiting.is_empty()
            && let Some(wrong) = self.check_waiting()
        {
            self.violate(wrong);
        }
        if let Err(wrong) = self.requests.believe(self.machine.next_request()) {
            self.violate(&wrong);
        }
        self.sums.draws.extend(self.requests.draws.drain(..));
        let starved = !self.ledger.waiting.is_empty() && self.valid().is_none();
        let since = self.ledger.starved_since.unwrap_or(self.now.boot);
        self.ledger.starved_since = Some(since).filter(|_| starved);
        let planned = self.ledger.serving.is_some() || self.requests.flight.is_some();
        match self.machine.alarm(self.now) {
            None if planned => self.violate("O4: nothing is planned"),
            Some(alarm) if alarm <= self.now.boot => self.violate("the alarm would ring for ever"),
            _ => {}
        }
    }

    /// What `status` says.
    pub fn check_status(&mut self) {
        let (status, (fewest, most)) = (self.machine.status(self.now), self.requests.failures);
        if status.clock_skew_ms != self.ledger.skew_ms {
            self.violate("status: another skew than the source told");
        }
        if status.ready != self.is_usable() || !(fewest..=most).contains(&status.attempts) {
            self.violate("status: readiness or failures in a row are wrong");
        }
        self.check_oldest();
    }

    pub fn check_overdue(&mut self) {
        if let Some(overdue) = self.overdue() {
            self.violate(&overdue);
        }
    }

    /// What should have happened by now.
    fn overdue(&self) -> Option<String> {
        let late = self.now.boot.saturating_sub(SLACK);
        if self.ledger.waiting.values().any(|caller| late > caller.by) {
            return Some("O7: a call outlasts its deadline, or half of what the token had left".to_owned());
        }
        if self.ledger.owed.values().any(|owed| late > owed.by) {
            return Some("O8: a listener was not told in time".to_owned());
        }
        if let Some(overdue) = self.requests.overdue(late, self.ledger.starved_since, self.hand()) {
            return Some(overdue);
        }
        let serving = self.ledger.serving.as_ref()?;
        (self.source.mood == Mood::Healthy).then(|| self.overdue_of_a_healthy_source(late, serving))?
    }

    fn overdue_of_a_healthy_source(&self, late: Duration, serving: &Serving) -> Option<String> {
        let promise = &self.promise;
        // A life that was cut short makes the machine go by the times that hold without a token.
        let hand = Some(serving.life.seen).filter(|_| !serving.cut);
        let pause = hand.map_or(promise.0.min_interval, |seen| 2 * promise.pause(seen));
        let needed = promise.patience(hand) + promise.retry(hand, u32::MAX).max(pause) + pause + SLACK;
        let start = self.source.mood_since.max(self.ledger.held_off_until).max(serving.refresh_on);
        let window_end = serving.end.saturating_sub(promise.least_validity(serving.life.nominal));
        // Where the margin is less than the least validity, the last question can come between the two.
        let poll = window_end.saturating_sub(start) / 10;
        (late > window_end && window_end > start + needed + poll)
            .then(|| "O4: a gap in service although the source was healthy long enough before".to_owned())
    }

    /// The life of the valid token in hand.
    pub fn hand(&self) -> Option<Duration> {
        self.valid().map(|(_, life)| life.seen)
    }

    /// The valid token, whatever is left of it.
    pub fn valid(&self) -> Valid {
        let serving = self.ledger.serving.as_ref().filter(|serving| !self.left(serving).is_zero());
        serving.map(|serving| (serving.end, serving.life))
    }

    /// Whether there is a token with enough left, by the two clocks that readers look at.
    pub fn is_usable(&self) -> bool {
        let readers = entrakey_core::internals::Now { boot: Duration::ZERO, ..self.now };
        self.ledger.serving.as_ref().is_some_and(|serving| {
            self.now.boot < serving.end
                && serving.published.left(readers) > self.promise.least_validity(serving.life.nominal)
        })
    }

    /// What is left of a token by the clock that says the least.
    pub fn left(&self, serving: &Serving) -> Duration {
        serving.published.left(self.now)
    }
}
