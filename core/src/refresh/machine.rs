//! The refresh engine as a pure state machine: no clock, no thread, no I/O, no randomness of its own.
//!
//! [`Machine::step`] takes the time and an event, and says what to do; `driver` does it. Each step first
//! lets the event change what is known (`answered`, `failed` …), then derives what follows from that
//! ([`Machine::settle`]): at most one request is under way, every caller who can be answered is, and the
//! next moment to look again ([`Machine::alarm`]) is always known.

use super::listener::Delivery;
use super::listeners::Listeners;
use super::pace::{Context, Forced, Pace};
use super::policy::{Life, Policy};
use super::repeats::Repeats;
use super::step::{Action, DuringOutage, Input, Wish};
use super::tally::Tally;
use super::term::Term;
use super::turn::{Random, Turn};
use super::waiters::{Waiter, Waiters};
use crate::clock::Now;
use crate::error::{Error, ErrorKind, Result};
use crate::event::ProviderEvent;
use crate::grant::Grant;
use crate::token::Token;
use std::sync::Arc;
use std::time::Duration;

/// The token in hand, with the lengths that its times scale with.
pub(super) struct Current {
    pub(super) token: Arc<Token>,
    pub(super) life: Life,
    /// When it was first seen, on the boot clock.
    pub(super) seen_at: Duration,
}

/// A token that must not be used before its time (`nbf`).
pub(super) struct Early {
    pub(super) grant: Grant,
    /// When it may be used, on the boot clock.
    pub(super) valid_from: Duration,
}

/// A request under way.
pub(super) struct Flight {
    number: u64,
    pub(super) started: Duration,
    give_up_at: Duration,
    pub(super) forced: Option<Forced>,
}

/// All that one provider knows.
pub struct Machine {
    pub(super) policy: Policy,
    pub(super) current: Option<Current>,
    pub(super) early: Option<Early>,
    pub(super) flight: Option<Flight>,
    pub(super) pace: Pace,
    pub(super) waiters: Waiters,
    pub(super) listeners: Listeners,
    pub(super) tally: Tally,
    refused_connections: Repeats,
    failed_listeners: Repeats,
    /// Counts the tokens, from 1.
    pub(super) version: u64,
    /// Whether the next token is the first of this provider's life in this process.
    pub(super) first: bool,
    /// How long the source's tokens live, as the last shows that was not the end of one.
    pub(super) usual_life: Option<Duration>,
    /// This machine's clock less the source's, in milliseconds.
    pub(super) skew_ms: Option<i64>,
    /// The last error, and when it came by the wall clock. A later success does not clear it.
    pub(super) trouble: Option<(Error, Duration)>,
    /// The user name that an earlier token had, if it was another.
    pub(super) previous_username: Option<String>,
    pub(super) closed: bool,
    /// What has not come back when a request has to be given up.
    pub(crate) blocked: &'static str,
}

impl Machine {
    /// A machine that knows nothing and does nothing before its first event.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            current: None,
            early: None,
            flight: None,
            pace: Pace::default(),
            waiters: Waiters::default(),
            listeners: Listeners::default(),
            tally: Tally::default(),
            refused_connections: Repeats::default(),
            failed_listeners: Repeats::default(),
            version: 0,
            first: true,
            usual_life: None,
            skew_ms: None,
            trouble: None,
            previous_username: None,
            closed: false,
            blocked: "the request has not come back.",
        }
    }

    /// A forked child's machine: the parent's token, nothing under way, and a refresh of its own drawn
    /// afresh from the life that is left, so that forked workers do not ask in step.
    pub fn adopt(&mut self, token: Arc<Token>, now: Now, random: Random<'_>) {
        let left = token.left(now);
        let life = Life { seen: left, nominal: token.lifetime() };
        self.version = token.version();
        let after = self.policy.refresh_after(life, None, true, random());
        // A token near its end must not make all the workers of a server ask at once.
        let least = self.policy.interval(Some(life)).mul_f64(random());
        self.pace.schedule(now.boot + after.max(least));
        (self.first, self.usual_life) = (false, Some(life.nominal));
        // Little of the token is left only because it was inherited late: that is no reason to ask more often.
        let life = Life { seen: life.nominal.max(left), ..life };
        self.current = Some(Current { token, life, seen_at: now.boot });
    }

    /// Something happened; what is to be done?
    pub fn step(&mut self, now: Now, input: Input, random: Random<'_>) -> Vec<Action> {
        let mut turn = Turn::new(now, random);
        let version = self.version;
        self.activate(&mut turn);
        let answers_nobody = self.version == version && input.answers_nobody();
        self.take_in(&mut turn, input);
        self.settle(&mut turn, answers_nobody);
        turn.into_actions()
    }

    fn take_in(&mut self, turn: &mut Turn, input: Input) {
        match input {
            Input::Get(id, wish) => self.admit(turn.now, id, wish),
            Input::Timer => self.give_up_lost(turn),
            Input::Answered(flight, grant) => self.answered(turn, flight, grant),
            Input::Failed(flight, error) => self.failed(turn, flight, error),
            Input::Refresh => self.pace.want_forced(Forced::Host),
            Input::CredentialChanged => {
                self.pace.start_anew();
                self.pace.want_forced(Forced::Host);
            }
            Input::Rejected(version) => self.rejected(version),
            Input::Subscribed(id) => self.subscribed(turn.now, id, false),
            Input::Awaiting(id) => self.subscribed(turn.now, id, true),
            Input::Unsubscribed(id) => self.listeners.remove(id),
            Input::Returned { listener, panicked } => self.returned(turn, listener, panicked),
            Input::Acknowledged { listener, version, accepted } => {
                self.acknowledged(turn, listener, version, accepted);
            }
            Input::Connected { listener, connection } => self.listeners.connected(listener, connection),
            Input::Authenticated { listener, connection, version } => {
                self.authenticated(turn, listener, connection, version);
            }
            Input::Refused { listener, connection, version } => {
                self.refused(turn, listener, connection, version);
            }
            Input::Disconnected { listener, connection } => self.listeners.disconnected(listener, connection),
            Input::Close => self.close(turn),
        }
    }

    /// When [`Input::Timer`] is due, on the boot clock.
    #[must_use]
    pub fn alarm(&self, now: Now) -> Option<Duration> {
        if self.closed {
            return None;
        }
        let request = match &self.flight {
            Some(flight) => Some(flight.give_up_at),
            None => self.pace.alarm(self.is_awaited(now)),
        };
        let early = self.early.as_ref().map(|early| early.valid_from);
        [request, early, self.waiters.alarm(), self.listeners.alarm(self.version)].into_iter().flatten().min()
    }

    /// The token in hand, whatever is left of it.
    #[must_use]
    pub fn newest(&self) -> Option<&Arc<Token>> {
        self.current.as_ref().map(|current| &current.token)
    }

    /// How long from now until a connection on the token of `version` is to ask for its successor: until one is due, if
    /// there is none yet, and then a random share (`random`) of the time over which re-authentications are spread, within
    /// the token's own deadline.
    pub(crate) fn reauth_in(&self, now: Now, version: u64, random: f64) -> Duration {
        let current = self.current.as_ref().filter(|current| current.token.version() == version);
        let (due, term) = match current {
            Some(current) => (self.pace.next().unwrap_or(now.boot).max(now.boot), self.term(current)),
            None => (now.boot, self.listeners.term(version)),
        };
        let window = term.spread.min(term.deadline.saturating_sub(due));
        (due + window.mul_f64(random)).saturating_sub(now.boot)
    }

    /// When the next request will start by itself, on the boot clock.
    #[cfg(feature = "internals")]
    #[must_use]
    pub fn next_request(&self) -> Option<Duration> {
        self.pace.alarm(false)
    }

    /// The call of a listener begins: the token that it has to hear of, if there is one.
    pub fn tell(&mut self, now: Now, listener: u64) -> Option<(Arc<Token>, Delivery)> {
        let current = self.current.as_ref()?;
        let delivery = self.listeners.tell(listener, now.boot, self.term(current))?;
        self.tally.notifications += 1;
        self.tally.late_notifications += u64::from(delivery == Delivery::Late);
        Some((current.token.clone(), delivery))
    }

    /// Whether the last answer was a refusal that trying again will hardly change.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.pace.is_refused() && self.flight.is_none() && !self.closed
    }

    /// Whether [`Input::Close`] has happened.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Derives what follows from what is known. If that answers nobody but a caller who has just come
    /// (`answers_nobody`), the others are not looked at: thousands may wait.
    fn settle(&mut self, turn: &mut Turn, answers_nobody: bool) {
        let now = turn.now;
        if !self.closed {
            if !self.waiters.is_empty() && self.valid(now).is_none() {
                self.pace.hurry(&self.policy, now.boot, turn.random);
            }
            if self.flight.is_none() && self.pace.is_due(now.boot, self.is_awaited(now)) {
                self.start(turn);
            }
        }
        let mut waiters = std::mem::take(&mut self.waiters);
        let mut is_answered = |waiter: &mut Waiter| {
            let answer = self.judge(now, waiter);
            let answered = answer.is_some();
            answer.into_iter().for_each(|answer| turn.act(Action::Resolve(waiter.id, answer)));
            answered
        };
        match answers_nobody {
            true => waiters.settle_last(&mut is_answered),
            false => waiters.settle(now.boot, &mut is_answered),
        }
        self.waiters = waiters;
        self.listeners.take_due(now.boot, |id| turn.act(Action::Notify(id)));
        self.listeners.take_stale(now.boot, self.version, |version, connections| {
            turn.report(ProviderEvent::ListenerStale { version, connections });
        });
    }

    /// What a caller is to be told now; none if it has to wait.
    fn judge(&self, now: Now, waiter: &Waiter) -> Option<Result<Arc<Token>>> {
        let Wish { deadline, during_outage, hands_on } = waiter.wish;
        let waits = during_outage == DuringOutage::Wait;
        if self.closed {
            return Some(Err(Error::closed()));
        }
        let known = self.pace.last_error();
        if let Some(current) = self.valid(now) {
            let token = &current.token;
            let is_enough = if hands_on { token.is_fresh_at(now) } else { token.is_usable_at(now) };
            // With little left a better one may be under way: that is waited for, but not too long.
            let hopes = !is_enough
                && self.flight.is_some()
                && (waits || (hands_on && known.is_none()))
                && now.boot < waiter.hopes_until.min(deadline);
            if hopes {
                return None;
            }
            if !(hands_on && token.is_spent_at(now)) {
                return Some(Ok(token.clone()));
            }
        }
        if self.flight.is_some() {
            return match known {
                Some(error) if !waits => Some(Err(error.clone())),
                _ => (now.boot >= deadline).then(|| Err(self.timed_out())),
            };
        }
        let next = self
            .early
            .as_ref()
            .map_or(self.pace.open_at(), |early| early.valid_from.min(self.pace.open_at()));
        if next < deadline && !self.pace.is_refused() && (waits || known.is_none()) {
            return None;
        }
        let error = known.cloned().unwrap_or_else(|| self.has_nothing_to_give(now));
        Some(Err(error.with_retry_in(next.saturating_sub(now.boot))))
    }

    fn admit(&mut self, now: Now, id: u64, wish: Wish) {
        let left = self.valid(now).map_or(Duration::ZERO, |current| current.token.left(now));
        let hope = if wish.hands_on { self.policy.request_timeout(self.life(now)) } else { left / 2 };
        self.waiters.push(Waiter { id, wish, hopes_until: now.boot + hope }, now.boot);
    }

    /// An answer to the request under way is as good and fulfils the wish for another token; a failure leaves it open.
    fn rejected(&mut self, version: u64) {
        if version == self.version && version > 0 {
            self.pace.want_forced(Forced::Rejection);
        }
    }

    fn subscribed(&mut self, now: Now, id: u64, awaits_first: bool) {
        let term = self.valid(now).map(|current| self.term(current));
        self.listeners.add(id, term, awaits_first);
    }

    fn returned(&mut self, turn: &mut Turn, listener: u64, panicked: bool) {
        self.listeners.returned(listener, panicked);
        if panicked {
            self.tally.listener_failures += 1;
            let times = self.failed_listeners.again(self.version);
            turn.report(ProviderEvent::ListenerFailed { times });
        }
    }

    fn acknowledged(&mut self, turn: &mut Turn, listener: u64, version: u64, accepted: bool) {
        let exists = (1..=self.version).contains(&version);
        if !exists || !self.listeners.acknowledged(listener, version, accepted) {
            return; // the report names no known listener, or a token that never existed: it must not count
        }
        if accepted {
            self.count_renewed(turn, version);
        } else {
            self.count_refused(turn, version, false);
            self.rejected(version);
        }
    }

    fn authenticated(&mut self, turn: &mut Turn, listener: u64, connection: u64, version: u64) {
        let exists = (1..=self.version).contains(&version);
        if exists && self.listeners.authenticated(listener, connection, version) {
            self.count_renewed(turn, version);
        }
    }

    /// Whether another token could help, and with that [`Input::Rejected`], is the driver's to say: it has the message.
    fn refused(&mut self, turn: &mut Turn, listener: u64, connection: u64, version: u64) {
        let exists = (1..=self.version).contains(&version);
        if exists && self.listeners.refused(listener, connection, version) {
            self.count_refused(turn, version, true);
        }
    }

    fn count_renewed(&mut self, turn: &mut Turn, version: u64) {
        self.tally.reauths_accepted += 1;
        turn.report(ProviderEvent::Reauthenticated { version });
    }

    fn count_refused(&mut self, turn: &mut Turn, version: u64, explained: bool) {
        self.tally.reauths_rejected += 1;
        let times = self.refused_connections.again(version);
        turn.report(ProviderEvent::ReauthenticationFailed { version, times, explained });
    }

    fn close(&mut self, turn: &mut Turn) {
        if !self.closed {
            self.closed = true;
            (self.flight, self.current, self.early) = (None, None, None);
            self.listeners = Listeners::default();
            turn.report(ProviderEvent::Closed);
        }
    }

    fn start(&mut self, turn: &mut Turn) {
        let timeout = self.policy.request_timeout(self.life(turn.now));
        self.tally.fetches += 1;
        let number = self.tally.fetches;
        let give_up_at = turn.now.boot + timeout;
        let forced = self.pace.take_forced(turn.now.boot);
        self.flight = Some(Flight { number, started: turn.now.boot, give_up_at, forced });
        turn.act(Action::Fetch(number, timeout));
    }

    /// The request of this number has ended. None if the request was given up for lost long ago.
    pub(super) fn landed(&mut self, now: Now, number: u64) -> Option<Flight> {
        let flight = self.flight.take_if(|flight| flight.number == number)?;
        self.tally.took(now.boot.saturating_sub(flight.started));
        Some(flight)
    }

    fn give_up_lost(&mut self, turn: &mut Turn) {
        if let Some(flight) = self.flight.as_ref().filter(|flight| turn.now.boot >= flight.give_up_at) {
            let number = flight.number;
            let seconds = flight.give_up_at.saturating_sub(flight.started).as_secs_f64();
            let message = format!("No token within {seconds:.1} s: {} It is tried again.", self.blocked);
            let lost = Error::new(ErrorKind::Timeout, message);
            self.failed(turn, number, lost);
        }
    }

    fn failed(&mut self, turn: &mut Turn, number: u64, error: Error) {
        if let Some(flight) = self.landed(turn.now, number) {
            self.plan_retry(turn, &flight, error, Duration::ZERO);
        }
    }

    pub(super) fn plan_retry(&mut self, turn: &mut Turn, flight: &Flight, error: Error, least: Duration) {
        let life = self.life(turn.now);
        let awaited = !self.waiters.is_empty();
        let context = Context { now: turn.now.boot, life, awaited, forced: flight.forced, least };
        let changed = self.is_change(&error);
        self.pace.failed(&self.policy, &context, error.clone(), turn.random);
        self.report_failure(turn, error, changed);
    }

    /// Whether this error is another kind of trouble than the one before.
    pub(super) fn is_change(&self, error: &Error) -> bool {
        self.pace.last_error().is_none_or(|before| before.kind() != error.kind())
    }

    pub(super) fn report_failure(&mut self, turn: &mut Turn, error: Error, changed: bool) {
        self.tally.failed(error.kind());
        self.trouble = Some((error.clone(), turn.now.wall));
        let next_attempt_in = self.pace.alarm(false).unwrap_or_default().saturating_sub(turn.now.boot);
        let attempt = self.pace.attempts();
        turn.report(ProviderEvent::RefreshFailed { error, attempt, next_attempt_in, changed });
    }

    /// The token in hand if it is valid, however little is left of it.
    pub(super) fn valid(&self, now: Now) -> Option<&Current> {
        self.current.as_ref().filter(|current| !current.token.left(now).is_zero())
    }

    pub(super) fn life(&self, now: Now) -> Option<Life> {
        self.valid(now).map(|current| current.life)
    }

    /// Whether a caller waits and there is nothing good to serve.
    fn is_awaited(&self, now: Now) -> bool {
        !self.waiters.is_empty()
            && !self.current.as_ref().is_some_and(|current| current.token.is_usable_at(now))
    }

    pub(super) fn term(&self, current: &Current) -> Term {
        Term::new(current.token.version(), current.token.end(), current.life, &self.policy)
    }

    /// Nothing has failed, and still there is nothing for the caller.
    fn has_nothing_to_give(&self, now: Now) -> Error {
        let Some(current) = self.valid(now) else { return self.timed_out() };
        let left = current.token.left(now).as_secs();
        let message = format!(
            "The token source gives the same token until it expires, and {left} s are left of it: too little for anybody \
             who has to connect with it. A new one is asked for."
        );
        Error::new(ErrorKind::Timeout, message)
    }

    fn timed_out(&self) -> Error {
        let because = match self.pace.last_error() {
            Some(error) => format!("The last attempt failed: {}", error.message()),
            // Its source is not asked again at once after an answer: a clock may have jumped past the token's end.
            None if self.current.is_some() => {
                "The token that there was is over by this machine's clocks, and another one has not come yet."
                    .to_owned()
            }
            None => "The token source has not answered yet.".to_owned(),
        };
        Error::new(ErrorKind::Timeout, format!("No token within the time allowed. {because}"))
    }
}
