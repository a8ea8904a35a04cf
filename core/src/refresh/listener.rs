//! One listener: which token its connections are on, what it was told, when it is called next.

use super::term::{Term, Terms};
use crate::connections::Ledger;
use std::time::Duration;

/// Whether a listener hears of a token in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Before the deadline of the token that its connections are on.
    InTime,
    /// After that deadline.
    Late,
}

/// Times are on the boot clock.
pub(super) struct Listener {
    /// The token that its connections are on. None: the listener came when there was no token, so no connection is
    /// authenticated.
    term: Option<Term>,
    /// The listener wants to hear of the first token too.
    awaits_first: bool,
    /// The token that it was told of last.
    told: Option<Term>,
    /// When the listener is to be told of the newest token.
    due: Option<Duration>,
    /// A call was asked for or is under way; the next one waits for its end.
    busy: bool,
    /// The listener says itself what became of each re-authentication.
    acknowledges: bool,
    /// The listener's connections, if it says which it has.
    ledger: Option<Ledger>,
    /// The listener was reported as being behind.
    reported: bool,
}

impl Listener {
    pub(super) fn new(term: Option<Term>, awaits_first: bool) -> Self {
        let (told, due, busy, acknowledges, ledger, reported) = (term, None, false, false, None, false);
        Self { term, awaits_first, told, due, busy, acknowledges, ledger, reported }
    }

    /// A new token is there: when the listener is told of it.
    pub(super) fn news(
        &mut self,
        now: Duration,
        newest: Term,
        at_once: bool,
        random: &mut dyn FnMut() -> f64,
    ) {
        let Some(term) = self.term else {
            self.term = Some(newest);
            if self.awaits_first {
                self.due = Some(now);
            } else {
                self.told = Some(newest);
            }
            return;
        };
        // A call under way may have put its connections on a token that expires sooner.
        let deadline = term.deadline.min(self.told.unwrap_or(term).deadline);
        let window = term.spread.min(deadline.saturating_sub(now));
        let moment = if at_once { now } else { now + window.mul_f64(random()) };
        self.due = Some(self.due.map_or(moment, |due| due.min(moment)));
        self.reported = false;
    }

    /// A call of the listener is asked for.
    pub(super) fn call(&mut self) {
        (self.due, self.busy) = (None, true);
    }

    /// The listener's call begins. None if it has heard of `newest` already.
    pub(super) fn tell(&mut self, now: Duration, newest: Term) -> Option<Delivery> {
        if self.told.is_some_and(|told| told.version >= newest.version) {
            return None;
        }
        self.told = Some(newest);
        match self.term.is_some_and(|term| now > term.deadline) {
            true => Some(Delivery::Late),
            false => Some(Delivery::InTime),
        }
    }

    /// The listener's call has returned. A listener that panicked has told its connections nothing, as far as is known.
    pub(super) fn returned(&mut self, panicked: bool, terms: &Terms) {
        self.busy = false;
        self.recount(terms);
        if self.ledger.is_none() && !self.acknowledges && !panicked {
            self.term = self.told;
        }
    }

    /// The listener says what became of its re-authentication.
    pub(super) fn acknowledged(&mut self, version: u64, accepted: bool) {
        self.acknowledges = true;
        if self.ledger.is_none()
            && accepted
            && let Some(told) = self.told.filter(|told| told.version == version)
        {
            self.term = Some(told);
        }
    }

    /// Something happened to a connection of the listener. From the first such report on, its connections say which
    /// token it is on.
    pub(super) fn change_ledger<R>(&mut self, terms: &Terms, change: impl FnOnce(&mut Ledger) -> R) -> R {
        let result = change(self.ledger.get_or_insert_default());
        self.recount(terms);
        result
    }

    /// The listener is on the oldest token that a connection of it is on. Without connections nobody is behind.
    fn recount(&mut self, terms: &Terms) {
        let Some(ledger) = &self.ledger else { return };
        let term = ledger.oldest().map(|version| terms.get(version)).or(self.told).or(self.term);
        if term.map(|term| term.version) != self.term.map(|term| term.version) {
            self.reported = false;
        }
        self.term = term;
    }

    /// The listener is reported as being behind. Returns how many of its connections are on its version.
    pub(super) fn report(&mut self) -> usize {
        self.reported = true;
        match (&self.ledger, self.term) {
            (Some(ledger), Some(term)) => ledger.count_on(term.version),
            _ => 1,
        }
    }

    /// How many of its connections are on a token older than `newest` past that token's deadline.
    pub(super) fn stale(&self, newest: u64, now: Duration, terms: &Terms) -> usize {
        match &self.ledger {
            Some(ledger) => {
                let due = ledger.behind(newest).filter(|(version, _)| now >= terms.get(*version).deadline);
                due.map(|(_, count)| count).sum()
            }
            None => self.term.filter(|term| term.version < newest && now >= term.deadline).iter().count(),
        }
    }

    /// How many connections it has, if it says so.
    pub(super) fn connections(&self) -> Option<usize> {
        self.ledger.as_ref().map(Ledger::len)
    }

    /// The oldest token that one of its connections is on.
    pub(super) fn oldest(&self) -> Option<u64> {
        match &self.ledger {
            Some(ledger) => ledger.oldest(),
            None => self.term.map(|term| term.version),
        }
    }

    /// The moments at which something is due for this listener.
    pub(super) fn watched(&self) -> Watched {
        Watched {
            call: self.due.filter(|_| !self.busy),
            deadline: self.term.filter(|_| !self.reported).map(|term| (term.version, term.deadline)),
        }
    }
}

/// The moments at which something is due for one listener.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Watched {
    /// When it may be called.
    pub(super) call: Option<Duration>,
    /// The version that it is on and the deadline of that, as long as it was not reported as being behind.
    pub(super) deadline: Option<(u64, Duration)>,
}
