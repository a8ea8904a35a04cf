//! What must hold after each step: the rules O1 to O8 of the model.

use crate::ledger::{Caller, Early, LATENESS, Landing, SLACK, Serving, outside};
use crate::pacing::Valid;
use crate::source::{Mood, QUICK};
use crate::terms::{Life, Span};
use crate::world::World;
use entrakey_core::{Error, ErrorKind, Token};
use std::sync::Arc;
use std::time::Duration;

impl World {
    pub fn fetch(&mut self, number: u64, timeout: Duration) {
        let (now, seen) = (self.now.boot, self.valid().map(|(_, life)| life.seen));
        self.sums.requests += 1;
        self.say(|_| format!("request {number}"));
        // Not the step's event alone brings callers: those that wait with little left count too.
        let awaited = self.ledger.waited && !self.is_usable();
        if let Err(wrong) = self.pacing.start(now, number, awaited, seen) {
            return self.violate(&wrong);
        }
        if timeout != self.terms.request_timeout(seen) {
            return self.violate("O6: a request has another time-out");
        }
        if !self.budget.spend(now, self.terms.allowance(&self.source, seen)) {
            return self.violate("O6: more requests than there is any need for");
        }
        let replies = self.source.ask(number, now, timeout, &mut self.rng);
        self.replies.extend(replies);
    }

    pub fn failed(&mut self, error: &Error) {
        let now = self.now.boot;
        let mut least = Duration::ZERO;
        if let Some(answer) = self.ledger.landing.take() {
            least = self.pacing.count_ends(now, answer.is_end(now), answer.usual);
            let expired = answer.end.saturating_sub(now) < answer.least_left();
            if !expired && !answer.not_before.is_zero() && self.valid().is_none() {
                return self.came_early(answer, error, least);
            }
            if !expired {
                self.violate("O5: an answer with enough left counts as a failure");
            }
        }
        let seen = self.valid().map(|(_, life)| life.seen);
        let (waiting, asked) = (!self.ledger.waiting.is_empty(), self.ledger.asked.take());
        self.pacing.failed(now, error, asked, seen, waiting, least);
        let held_off = asked.is_some() || !error.is_retriable() || !least.is_zero();
        let next = self.pacing.planned().filter(|_| held_off);
        self.ledger.held_off_until = next.map_or(Duration::ZERO, |next| next.to);
    }

    /// With nothing valid in hand a token that is not valid yet is a failure, and the source is asked again as after any
    /// answer, going by the life of that token.
    fn came_early(&mut self, answer: Landing, error: &Error, least: Duration) {
        let now = self.now.boot;
        if error.kind() != ErrorKind::BadResponse || !error.message().contains("valid only from") {
            self.violate("O4: the error does not say from when the token is valid");
        }
        self.keep_for_later(now, answer);
        let interval = self.terms.interval(Some(answer.end.saturating_sub(now))).max(least);
        self.pacing.came_early(now, interval, error.kind());
        self.ledger.held_off_until = now + interval;
    }

    pub fn publish(&mut self, token: &Arc<Token>) {
        let id: u64 = token.secret().parse().unwrap_or(0);
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
        let mut rejected = false;
        if ripened {
            self.pacing.activated(now, life, grant.hint);
        } else {
            let least = self.pacing.count_ends(now, grant.is_end(now), grant.usual);
            rejected = self.pacing.installed(now, life, grant.hint, least);
            self.hold_off(least);
            self.ledger.landing = None;
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
        self.owe(token.version(), rejected);
    }

    /// When the source can be asked next, at the latest: a request that was begun before this token, with
    /// nothing in hand, takes the time that it was given.
    fn next_chance(&self) -> Duration {
        let planned = self.pacing.planned().map_or(self.now.boot, |planned| planned.to);
        self.pacing.flight.as_ref().map_or(planned, |flight| planned.max(flight.ends_by))
    }

    fn published_wrongly(&self, grant: &Landing, ripened: bool) -> Option<&'static str> {
        let (now, serving) = (self.now.boot, self.ledger.serving.as_ref()?);
        if !ripened && !grant.not_before.is_zero() {
            return Some("O5: a token is used before its time");
        }
        (!self.is_better(now, grant, serving, ripened))
            .then_some("O3: a token is replaced by one that expires no later")
    }

    /// Only one that lives longer is better, or any other that lives long enough if one was asked for.
    fn is_better(&self, now: Duration, grant: &Landing, serving: &Serving, ripened: bool) -> bool {
        let left = self.left(serving);
        if left.is_zero() || grant.end > serving.end {
            return true;
        }
        let forced = !ripened && self.pacing.flight.as_ref().is_some_and(|flight| flight.forced.is_some());
        let new = grant.end.saturating_sub(now);
        let enough = self.terms.min_validity(grant.lifetime.max(new)).max(left / 2);
        forced && new >= enough
    }

    /// What has come is known, before anything is done about it.
    pub fn conclude(&mut self) {
        let now = self.now.boot;
        if let Some(landing) = self.ledger.landing.take() {
            self.conclude_answer(now, landing);
        }
        if self.ledger.early.is_some_and(|early| early.from <= now) {
            self.violate("O4: a token that has become valid is not used");
            self.ledger.early = None;
        }
        if self.ledger.waited && self.valid().is_none() {
            self.pacing.hurry(now);
        }
    }

    /// An answer that brought neither a failure nor a token for use.
    fn conclude_answer(&mut self, now: Duration, landing: Landing) {
        let again = self.ledger.serving.as_ref().is_some_and(|serving| serving.token.id == landing.id);
        let better =
            self.ledger.serving.as_ref().is_none_or(|serving| self.is_better(now, &landing, serving, false));
        let least = self.pacing.count_ends(now, landing.is_end(now), landing.usual);
        if !again && !landing.not_before.is_zero() {
            if self.valid().is_none() {
                self.violate("O4: a token that is not valid yet, with nothing in hand, is no failure");
            }
            self.keep_for_later(now, landing);
        } else if !again && better {
            self.violate("O3: a better token is not used");
        }
        self.pacing.not_newer(now, self.valid(), least);
        self.hold_off(least);
    }

    /// A source that hands out the ends of tokens is asked rarely, also when it has just got better.
    fn hold_off(&mut self, least: Duration) {
        if !least.is_zero() {
            self.ledger.held_off_until = self.now.boot + least;
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
            Ok(token) => self.served_wrongly(&token),
            Err(error) => {
                self.say(|_| format!("call {id} gets {}", error.kind().name()));
                self.refused_wrongly(&error, caller)
            }
        };
        if let Some(wrong) = wrong {
            self.violate(&wrong);
        }
    }

    fn served_wrongly(&self, token: &Arc<Token>) -> Option<String> {
        let now = self.now.boot;
        let Some(serving) = &self.ledger.serving else { return Some("O5: a token from nowhere".to_owned()) };
        if self.ledger.closed {
            return Some("O7: a closed provider hands out a token".to_owned());
        }
        if token.secret() != serving.token.id.to_string() {
            return Some("O5: another token than the newest is handed out".to_owned());
        }
        if now < serving.token.valid_from || now >= serving.token.expires {
            return Some(format!("O5: {:?} is handed out outside its validity", serving.token));
        }
        let excused = self.pacing.flight.is_some() || now < self.pacing.open().to + LATENESS;
        (!self.is_usable() && !excused)
            .then(|| "O5: a token with little left is handed out without need".to_owned())
    }

    fn refused_wrongly(&self, error: &Error, caller: Caller) -> Option<String> {
        let kind = error.kind();
        if self.ledger.closed || kind == ErrorKind::Closed {
            let both = self.ledger.closed && kind == ErrorKind::Closed;
            return (!both).then(|| format!("O7: {kind:?} around the end"));
        }
        if self.valid().is_some() {
            return Some(format!("O4: {error} while a valid token is held"));
        }
        let known = self.pacing.known.map(|known| known.kind);
        if self.pacing.flight.is_some() {
            let at_once = !caller.wait && known == Some(kind);
            let in_time = kind == ErrorKind::Timeout && self.now.boot >= caller.deadline;
            return (!at_once && !in_time).then(|| format!("O7: {kind:?} while a request is under way"));
        }
        if kind != known.unwrap_or(ErrorKind::Timeout) {
            return Some(format!("O7: {kind:?}, and the last error is {known:?}"));
        }
        self.turned_away_wrongly(error, caller, known.is_some())
            .or_else(|| self.timed_out_wrongly(kind, caller))
    }

    /// Whoever gets an error with no request under way: at its deadline, or because waiting cannot help.
    fn turned_away_wrongly(&self, error: &Error, caller: Caller, known: bool) -> Option<String> {
        let now = self.now.boot;
        let Some(next) = error.retry_in().map(|wait| now + wait) else {
            return Some("O7: an error that does not say when the next attempt is".to_owned());
        };
        let open = self.pacing.open().both(Span::at(now));
        let early = self.ledger.early.map(|early| Span::at(early.from));
        let expected = early.map_or(open, |early| open.first(early).both(Span::at(now)));
        if !expected.holds(next) {
            return Some(format!("O7: the next attempt at {next:?}, {}", outside(expected)));
        }
        let hopeless = self.pacing.is_refused() || next >= caller.deadline || !caller.wait && known;
        (!hopeless).then(|| format!("O7: {error} although waiting could help"))
    }

    fn timed_out_wrongly(&self, kind: ErrorKind, caller: Caller) -> Option<String> {
        let healthy_since = caller.came.max(self.source.mood_since).max(self.ledger.held_off_until);
        let healthy = self.source.mood == Mood::Healthy && kind == ErrorKind::Timeout;
        // What began or was planned before, and then an answer.
        let pause = self.terms.longest_back_off(None).max(self.terms.interval(None));
        let enough = self.terms.request_timeout(None) + pause + QUICK + SLACK;
        (healthy && self.now.boot >= healthy_since + enough)
            .then(|| "O7: a time-out although the source was healthy long enough".to_owned())
    }

    /// Whoever can be answered is.
    fn check_waiting(&self) -> Option<&'static str> {
        let (usable, valid) = (self.is_usable(), self.valid().is_some());
        let (idle, refused) = (self.pacing.flight.is_none(), self.pacing.is_refused());
        let known = self.pacing.known.is_some();
        self.ledger.waiting.values().find_map(|caller| {
            if usable {
                return Some("O1: a usable token is there, and a call waits");
            }
            if valid {
                return (idle || !caller.wait).then_some("O1: a call waits for nothing");
            }
            if !caller.wait && known {
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
        if let Err(wrong) = self.pacing.believe(self.machine.next_request()) {
            self.violate(&wrong);
        }
        let planned = self.ledger.serving.is_some() || self.pacing.flight.is_some();
        match self.machine.alarm(self.now) {
            None if planned => self.violate("O4: nothing is planned"),
            Some(alarm) if alarm <= self.now.boot => self.violate("the alarm would ring for ever"),
            _ => {}
        }
    }

    /// What `status` says.
    pub fn check_status(&mut self) {
        let (status, (fewest, most)) = (self.machine.status(self.now), self.pacing.attempts());
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
            self.violate(overdue);
        }
    }

    /// What should have happened by now.
    fn overdue(&self) -> Option<&'static str> {
        let late = self.now.boot.saturating_sub(SLACK);
        if self.ledger.waiting.values().any(|caller| late > caller.by) {
            return Some("O7: a call outlasts its deadline, or half of what the token had left");
        }
        if self.ledger.owed.values().any(|owed| late > owed.by) {
            return Some("O8: a listener was not told in time");
        }
        let awaited = !self.ledger.waiting.is_empty() && self.valid().is_none();
        if let Some(overdue) = self.pacing.overdue(late, awaited) {
            return Some(overdue);
        }
        let serving = self.ledger.serving.as_ref()?;
        (self.source.mood == Mood::Healthy).then(|| self.overdue_of_a_healthy_source(late, serving))?
    }

    fn overdue_of_a_healthy_source(&self, late: Duration, serving: &Serving) -> Option<&'static str> {
        let terms = &self.terms;
        // A life that was cut short makes the machine go by the times that hold without a token.
        let seen = Some(serving.life.seen).filter(|_| !serving.cut);
        let pause = terms.longest_back_off(seen).max(terms.interval(seen));
        let needed = terms.request_timeout(seen) + pause + terms.interval(Some(serving.life.seen)) + SLACK;
        let start = self.source.mood_since.max(self.ledger.held_off_until).max(serving.refresh_on);
        let window_end = serving.end.saturating_sub(terms.min_validity(serving.life.nominal));
        // Where the margin is less than the least validity, the last question can come between the two.
        let poll = window_end.saturating_sub(start) / 10;
        if late > window_end && window_end > start + needed + poll {
            return Some("O4: a gap in service although the source was healthy long enough before");
        }
        None
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
                && serving.published.left(readers) > self.terms.min_validity(serving.life.nominal)
        })
    }

    /// What is left of a token by the clock that says the least.
    pub fn left(&self, serving: &Serving) -> Duration {
        serving.published.left(self.now)
    }
}
