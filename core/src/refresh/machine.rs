//! The refresh engine as a pure state machine: no clock, no thread, no I/O, no randomness of its own.
//!
//! [`Machine::step`] takes the time and an event, and says what to do; `driver` does it. Each step first
//! lets the event change what is known (`answered`, `failed` …), then derives what follows from that
//! ([`Machine::settle`]): at most one request is under way, every caller who can be answered is, and the
//! next moment to look again ([`Machine::alarm`]) is always known.

use super::listeners::{Late, Listeners, On};
use super::pace::{Context, Forced, Pace};
use super::policy::{Life, Policy};
use super::repeats::Repeats;
use super::step::{Action, Event, Wish};
use super::tally::Tally;
use super::waiters::{Waiter, Waiters};
use crate::clock::Now;
use crate::error::{Error, ErrorKind, Result};
use crate::event::ProviderEvent;
use crate::grant::Grant;
use crate::token::Token;
use std::sync::Arc;
use std::time::Duration;

/// Uniform numbers from 0 to 1.
pub type Random<'a> = &'a mut dyn FnMut() -> f64;

/// The token in hand, with the lengths that its times scale with.
pub(super) struct Held {
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
    pub(super) held: Option<Held>,
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
    /// The last error, and when it came, by the wall clock. Kept when a later request succeeds.
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
            held: None,
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
        // Little is left of it only because it was inherited late: that is no reason to ask more often.
        let life = Life { seen: life.nominal.max(left), ..life };
        self.held = Some(Held { token, life, seen_at: now.boot });
    }

    /// Something happened; what is to be done?
    pub fn step(&mut self, now: Now, event: Event, random: Random<'_>) -> Vec<Action> {
        let mut out = Vec::new();
        let version = self.version;
        self.activate(now, random, &mut out);
        let answers_nobody = self.version == version && event.answers_nobody();
        match event {
            Event::Get(id, wish) => self.admit(now, id, wish),
            Event::Timer => self.give_up_lost(now, random, &mut out),
            Event::Answered(flight, grant) => self.answered(now, flight, grant, random, &mut out),
            Event::Failed(flight, error) => self.failed(now, flight, error, random, &mut out),
            Event::Refresh => self.want(Forced::Host),
            Event::CredentialChanged => {
                self.pace.start_anew();
                self.want(Forced::Host);
            }
            Event::Rejected(version) => self.rejected(version),
            Event::Subscribed(id) => self.subscribed(now, id, false),
            Event::Awaiting(id) => self.subscribed(now, id, true),
            Event::Unsubscribed(id) => self.listeners.remove(id),
            Event::Returned { listener, panicked } => self.returned(listener, panicked, &mut out),
            Event::Acknowledged { listener, version, accepted } => {
                self.acknowledged(listener, version, accepted, &mut out);
            }
            Event::Connected { listener, connection } => self.listeners.connected(listener, connection),
            Event::Authenticated { listener, connection, version } => {
                self.authenticated(listener, connection, version, &mut out);
            }
            Event::Refused { listener, connection, version } => {
                self.refused(listener, connection, version, &mut out);
            }
            Event::Disconnected { listener, connection } => self.listeners.disconnected(listener, connection),
            Event::Close => self.close(&mut out),
        }
        self.settle(now, answers_nobody, random, &mut out);
        out
    }

    /// When [`Event::Timer`] is due, on the boot clock.
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
        self.held.as_ref().map(|held| &held.token)
    }

    /// When the next request will start by itself, on the boot clock.
    #[cfg(feature = "internals")]
    #[must_use]
    pub fn next_request(&self) -> Option<Duration> {
        self.pace.alarm(false)
    }

    /// The call of a listener begins: what it has to hear of, if anything.
    pub fn take_news(&mut self, now: Now, listener: u64) -> Option<(Arc<Token>, Late)> {
        let held = self.held.as_ref()?;
        let late = self.listeners.take_news(listener, now.boot, self.on(held))?;
        self.tally.notifications += 1;
        self.tally.late_notifications += u64::from(late.0);
        Some((held.token.clone(), late))
    }

    /// Whether the last answer was a refusal that trying again will hardly change.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.pace.is_refused() && self.flight.is_none() && !self.closed
    }

    /// Whether [`Event::Close`] has happened.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Derives what follows from what is known. If that answers nobody but a caller who has just come
    /// (`answers_nobody`), the others are not looked at: thousands may wait.
    fn settle(&mut self, now: Now, answers_nobody: bool, random: Random<'_>, out: &mut Vec<Action>) {
        if !self.closed {
            if !self.waiters.is_empty() && self.valid(now).is_none() {
                self.pace.hurry(&self.policy, now.boot, random);
            }
            if self.flight.is_none() && self.pace.is_due(now.boot, self.is_awaited(now)) {
                self.start(now, out);
            }
        }
        let mut waiters = std::mem::take(&mut self.waiters);
        let is_answered = |waiter: &mut Waiter| {
            let answer = self.judge(now, waiter);
            let answered = answer.is_some();
            out.extend(answer.map(|answer| Action::Resolve(waiter.id, answer)));
            answered
        };
        match answers_nobody {
            true => waiters.settle_last(is_answered),
            false => waiters.settle(now.boot, is_answered),
        }
        self.waiters = waiters;
        self.listeners.take_due(now.boot, |id| out.push(Action::Notify(id)));
        self.listeners.take_stale(now.boot, self.version, |version, connections| {
            out.push(Action::Report(ProviderEvent::ListenerStale { version, connections }));
        });
    }

    /// What a caller is to be told now; none if it has to wait.
    fn judge(&self, now: Now, waiter: &Waiter) -> Option<Result<Arc<Token>>> {
        let Wish { deadline, wait } = waiter.wish;
        if self.closed {
            return Some(Err(Error::closed()));
        }
        if let Some(held) = self.valid(now) {
            // With little left a better one may be under way: that is waited for, but not too long.
            let hopes = !held.token.is_usable_at(now)
                && self.flight.is_some()
                && wait
                && now.boot < waiter.hopes_until.min(deadline);
            return (!hopes).then(|| Ok(held.token.clone()));
        }
        let known = self.pace.last_error();
        if self.flight.is_some() {
            return match known {
                Some(error) if !wait => Some(Err(error.clone())),
                _ => (now.boot >= deadline).then(|| Err(self.timed_out())),
            };
        }
        let next = self
            .early
            .as_ref()
            .map_or(self.pace.open_at(), |early| early.valid_from.min(self.pace.open_at()));
        if next < deadline && !self.pace.is_refused() && (wait || known.is_none()) {
            return None;
        }
        let error = known.cloned().unwrap_or_else(|| self.timed_out());
        Some(Err(error.with_retry_in(next.saturating_sub(now.boot))))
    }

    fn admit(&mut self, now: Now, id: u64, wish: Wish) {
        let left = self.valid(now).map_or(Duration::ZERO, |held| held.token.left(now));
        self.waiters.push(Waiter { id, wish, hopes_until: now.boot + left / 2 }, now.boot);
    }

    fn want(&mut self, cause: Forced) {
        // An answer to the request under way is as good and fulfils the wish; a failure leaves it open.
        self.pace.want_forced(cause);
    }

    fn rejected(&mut self, version: u64) {
        if version == self.version && version > 0 {
            self.want(Forced::Rejection);
        }
    }

    fn subscribed(&mut self, now: Now, id: u64, awaits_first: bool) {
        let on = self.valid(now).map(|held| self.on(held));
        self.listeners.add(id, on, awaits_first);
    }

    fn returned(&mut self, listener: u64, panicked: bool, out: &mut Vec<Action>) {
        self.listeners.returned(listener, panicked);
        if panicked {
            self.tally.listener_failures += 1;
            let times = self.failed_listeners.again(self.version);
            out.push(Action::Report(ProviderEvent::ListenerFailed { times }));
        }
    }

    fn acknowledged(&mut self, listener: u64, version: u64, accepted: bool, out: &mut Vec<Action>) {
        let exists = (1..=self.version).contains(&version);
        if !exists || !self.listeners.acknowledged(listener, version, accepted) {
            return; // nobody's, or of a token that there never was: it must not count
        }
        if accepted {
            self.count_renewed(version, out);
        } else {
            self.count_refused(version, false, out);
            self.rejected(version);
        }
    }

    fn authenticated(&mut self, listener: u64, connection: u64, version: u64, out: &mut Vec<Action>) {
        let exists = (1..=self.version).contains(&version);
        if exists && self.listeners.authenticated(listener, connection, version) {
            self.count_renewed(version, out);
        }
    }

    /// Whether another token could help, and with that [`Event::Rejected`], is the driver's to say: it has the message.
    fn refused(&mut self, listener: u64, connection: u64, version: u64, out: &mut Vec<Action>) {
        let exists = (1..=self.version).contains(&version);
        if exists && self.listeners.refused(listener, connection, version) {
            self.count_refused(version, true, out);
        }
    }

    fn count_renewed(&mut self, version: u64, out: &mut Vec<Action>) {
        self.tally.reauths_accepted += 1;
        out.push(Action::Report(ProviderEvent::Reauthenticated { version }));
    }

    fn count_refused(&mut self, version: u64, explained: bool, out: &mut Vec<Action>) {
        self.tally.reauths_rejected += 1;
        let times = self.refused_connections.again(version);
        out.push(Action::Report(ProviderEvent::ReauthenticationFailed { version, times, explained }));
    }

    fn close(&mut self, out: &mut Vec<Action>) {
        if !self.closed {
            self.closed = true;
            (self.flight, self.held, self.early) = (None, None, None);
            self.listeners = Listeners::default();
            out.push(Action::Report(ProviderEvent::Closed));
        }
    }

    fn start(&mut self, now: Now, out: &mut Vec<Action>) {
        let timeout = self.policy.request_timeout(self.life(now));
        self.tally.fetches += 1;
        let number = self.tally.fetches;
        let give_up_at = now.boot + timeout;
        let forced = self.pace.take_forced(now.boot);
        self.flight = Some(Flight { number, started: now.boot, give_up_at, forced });
        out.push(Action::Fetch(number, timeout));
    }

    /// The request of this number has ended; none if it was given up for lost long ago.
    pub(super) fn landed(&mut self, now: Now, number: u64) -> Option<Flight> {
        let flight = self.flight.take_if(|flight| flight.number == number)?;
        self.tally.took(now.boot.saturating_sub(flight.started));
        Some(flight)
    }

    fn give_up_lost(&mut self, now: Now, random: Random<'_>, out: &mut Vec<Action>) {
        if let Some(flight) = self.flight.as_ref().filter(|flight| now.boot >= flight.give_up_at) {
            let number = flight.number;
            let seconds = flight.give_up_at.saturating_sub(flight.started).as_secs_f64();
            let message = format!("No token within {seconds:.1} s: {} It is tried again.", self.blocked);
            let lost = Error::new(ErrorKind::Timeout, message);
            self.failed(now, number, lost, random, out);
        }
    }

    fn failed(&mut self, now: Now, number: u64, error: Error, random: Random<'_>, out: &mut Vec<Action>) {
        if let Some(flight) = self.landed(now, number) {
            self.plan_retry(now, &flight, error, Duration::ZERO, random, out);
        }
    }

    pub(super) fn plan_retry(
        &mut self,
        now: Now,
        flight: &Flight,
        error: Error,
        least: Duration,
        random: Random<'_>,
        out: &mut Vec<Action>,
    ) {
        let life = self.life(now);
        let awaited = !self.waiters.is_empty();
        let context = Context { now: now.boot, life, awaited, forced: flight.forced, least };
        let changed = self.is_change(&error);
        self.pace.failed(&self.policy, &context, error.clone(), random);
        self.report_failure(now, error, changed, out);
    }

    /// Whether it is another kind of trouble than before.
    pub(super) fn is_change(&self, error: &Error) -> bool {
        self.pace.last_error().is_none_or(|before| before.kind() != error.kind())
    }

    pub(super) fn report_failure(&mut self, now: Now, error: Error, changed: bool, out: &mut Vec<Action>) {
        self.tally.failed(error.kind());
        self.trouble = Some((error.clone(), now.wall));
        let next_attempt_in = self.pace.alarm(false).unwrap_or_default().saturating_sub(now.boot);
        let attempt = self.pace.attempts();
        out.push(Action::Report(ProviderEvent::RefreshFailed { error, attempt, next_attempt_in, changed }));
    }

    /// The token in hand if it is valid, however little is left of it.
    pub(super) fn valid(&self, now: Now) -> Option<&Held> {
        self.held.as_ref().filter(|held| !held.token.left(now).is_zero())
    }

    pub(super) fn life(&self, now: Now) -> Option<Life> {
        self.valid(now).map(|held| held.life)
    }

    /// Whether a caller waits and there is nothing good to serve.
    fn is_awaited(&self, now: Now) -> bool {
        !self.waiters.is_empty() && !self.held.as_ref().is_some_and(|held| held.token.is_usable_at(now))
    }

    pub(super) fn on(&self, held: &Held) -> On {
        On::new(held.token.version(), held.token.end(), held.life, &self.policy)
    }

    fn timed_out(&self) -> Error {
        let because = match self.pace.last_error() {
            Some(error) => format!("The last attempt failed: {}", error.message()),
            None => "The token source has not answered yet.".to_owned(),
        };
        Error::new(ErrorKind::Timeout, format!("No token within the time allowed. {because}"))
    }
}
