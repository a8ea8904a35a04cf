//! The driver: feeds the state machine with time and events, and does what it says.
//!
//! Everything here happens under one short lock that is never held while a host's code runs. Requests run
//! on short-lived threads, so a stuck one delays nobody but itself.

use super::callers::{Answer, Callback, ListenerCallback, PendingAnswer, Reply};
use super::calls::Calls;
use super::credential_watch::CredentialWatch;
use super::dispatch::Dispatcher;
use super::machine::Machine;
use super::observers::{Observer, Observers};
use super::repeats::Repeats;
use super::snapshot::{Published, Snapshot};
use super::step::{Action, Input, Wish};
use super::timer::{self, Alarm};
use crate::clock::Now;
use crate::config::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Level, ProviderEvent};
use crate::guard::guarded;
use crate::identity::{Asked, Source, Stamp};
use crate::rejection::{Rejection, RejectionReason, explain};
use crate::status::Status;
use crate::sync::{Mutex, spawn};
use crate::token::Token;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// A source is given up by itself this long before the machine gives it up, or an eighth of the time-out.
const ACCOUNT_MAX: Duration = Duration::from_millis(250);
/// No server's message is longer than this; of a longer one only the beginning is read.
const LONGEST_MESSAGE_CHARS: usize = 2000;

/// One provider's engine in one process. A forked child gets an engine of its own.
pub(crate) struct Engine {
    pub(super) alarm_id: u64,
    generation: u64,
    settings: Arc<Settings>,
    source: Box<dyn Source>,
    pub(super) published: Published,
    pub(super) state: Mutex<State>,
    /// `close` was called, and the engine has not ended yet.
    pub(super) closing: AtomicBool,
    calls: Calls,
    /// For listeners.
    dispatcher: Arc<Dispatcher>,
    /// For observers, who have to hear of listeners that stall, and for looks at files.
    pub(super) events: Arc<Dispatcher>,
    /// For answers to asynchronous waits, which must not be late because listeners stall.
    answers: Arc<Dispatcher>,
}

pub(super) struct State {
    machine: Machine,
    rng: fastrand::Rng,
    /// Numbers callers, listeners and observers.
    numbers: u64,
    callers: HashMap<u64, Reply>,
    pub(super) listeners: HashMap<u64, ListenerCallback>,
    pub(super) observers: Observers,
    /// Rejections by reason: how many, and with the newest token.
    rejections: BTreeMap<&'static str, (u64, Repeats)>,
    /// What the source last had to say about a token.
    advice: Option<String>,
    credential: CredentialWatch,
    /// What the timer was last asked for.
    armed: Option<Duration>,
}

impl State {
    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }
}

impl Engine {
    pub(crate) fn new(
        settings: &Arc<Settings>,
        source: Box<dyn Source>,
        published: Published,
        inherited: Option<Arc<Token>>,
    ) -> Arc<Self> {
        let mut rng = fastrand::Rng::with_seed(seed());
        let mut machine = Machine::new(settings.policy.clone());
        machine.blocked = source.blocked();
        if let Some(token) = inherited {
            machine.adopt(token, Now::read(), &mut || rng.f64());
        }
        let engine = Arc::new(Self {
            alarm_id: timer::new_id(),
            generation: entrakey_sys::fork::generation(),
            settings: settings.clone(),
            source,
            published,
            state: Mutex::new(State {
                machine,
                rng,
                numbers: 0,
                callers: HashMap::new(),
                listeners: HashMap::new(),
                observers: Observers::default(),
                rejections: BTreeMap::new(),
                advice: None,
                credential: CredentialWatch::default(),
                armed: None,
            }),
            closing: AtomicBool::new(false),
            calls: Calls::default(),
            dispatcher: Dispatcher::new(),
            events: Dispatcher::new(),
            answers: Dispatcher::new(),
        });
        engine.rearm(&mut engine.lock());
        engine
    }

    pub(crate) fn asked_identities(&self) -> Vec<(&'static str, Asked)> {
        self.source.asked()
    }

    /// A token, or the error that stands in its way. Blocks until `wish.deadline` at most.
    pub(crate) fn get(self: &Arc<Self>, wish: Wish) -> Answer {
        let (id, pending) = {
            let mut state = self.lock();
            let (id, pending) = self.ask(&mut state, wish);
            if state.armed.is_none() {
                state.callers.remove(&id);
                return pending.take().unwrap_or_else(|| Err(no_thread("to wait for a token with")));
            }
            (id, pending)
        };
        pending.wait(wish.deadline).unwrap_or_else(|| {
            self.lock().callers.remove(&id);
            Err(no_thread("to watch the time on"))
        })
    }

    /// The same without blocking: `done` is called once, by `wish.deadline`, here and now if the answer is
    /// known, else on a thread of the library's.
    pub(crate) fn get_then(self: &Arc<Self>, wish: Wish, done: Callback) {
        let mut state = self.lock();
        let (id, pending) = self.ask(&mut state, wish);
        let answer = match pending.take() {
            Some(answer) => answer,
            None if state.armed.is_none() => Err(no_thread("to wait for a token on")),
            None => {
                state.callers.insert(id, Reply::Callback(done));
                return;
            }
        };
        state.callers.remove(&id);
        drop(state);
        done(answer);
    }

    fn ask(self: &Arc<Self>, state: &mut State, wish: Wish) -> (u64, Arc<PendingAnswer>) {
        let pending = Arc::new(PendingAnswer::default());
        let id = state.number();
        state.callers.insert(id, Reply::Thread(pending.clone()));
        self.feed(state, Input::Get(id, wish));
        (id, pending)
    }

    /// Something outside happened: a refresh is wanted, a token was refused, a connection re-authenticated.
    pub(crate) fn tell(self: &Arc<Self>, input: Input) {
        if !self.is_inherited() {
            self.feed(&mut self.lock(), input);
        }
    }

    /// With `awaits_first` a token that replaces none is news too.
    pub(crate) fn subscribe(self: &Arc<Self>, listener: ListenerCallback, awaits_first: bool) -> Result<u64> {
        let mut state = self.lock();
        if state.machine.is_closed() {
            return Err(Error::closed());
        }
        let id = state.number();
        state.listeners.insert(id, listener);
        self.feed(&mut state, if awaits_first { Input::Awaiting(id) } else { Input::Subscribed(id) });
        Ok(id)
    }

    /// Forgets a listener; its callback is dropped with no lock held.
    pub(crate) fn unsubscribe(self: &Arc<Self>, id: u64) {
        if self.is_inherited() {
            return;
        }
        let mut state = self.lock();
        let removed = state.listeners.remove(&id);
        self.feed(&mut state, Input::Unsubscribed(id));
        drop(state);
        drop(removed);
    }

    /// Waits until the callback of this listener is not running, or it is this thread that runs it. False
    /// after `timeout`.
    pub(crate) fn wait_until_returned(&self, id: u64, timeout: Duration) -> bool {
        self.is_inherited() || self.calls.wait_until_returned(id, timeout)
    }

    pub(crate) fn observe(self: &Arc<Self>, level: Level, observer: Observer) -> Result<u64> {
        let mut state = self.lock();
        if state.machine.is_closed() {
            return Err(Error::closed());
        }
        let id = state.number();
        state.observers.add(id, level, observer);
        Ok(id)
    }

    pub(crate) fn unobserve(self: &Arc<Self>, id: u64) {
        if !self.is_inherited() {
            let removed = self.lock().observers.remove(id);
            drop(removed);
        }
    }

    /// Explains why a server refused a token, and asks for another one if that could help.
    pub(crate) fn rejected(self: &Arc<Self>, version: u64, message: &str) -> Rejection {
        self.judge(&mut self.lock(), version, message)
    }

    /// Like `rejected`, for a token that was refused on a connection of a listener.
    pub(crate) fn refused(
        self: &Arc<Self>,
        listener: u64,
        connection: u64,
        version: u64,
        message: &str,
    ) -> Result<Rejection> {
        let mut state = self.lock();
        if state.machine.is_closed() {
            return Err(Error::closed());
        }
        let rejection = self.judge(&mut state, version, message);
        if rejection.reason != RejectionReason::NotARefusal {
            self.feed(&mut state, Input::Refused { listener, connection, version });
        }
        Ok(rejection)
    }

    fn judge(self: &Arc<Self>, state: &mut State, version: u64, message: &str) -> Rejection {
        let message: String = message.chars().take(LONGEST_MESSAGE_CHARS).collect();
        let rejection = explain(&state.machine.facts(Now::read(), version, &message), &self.settings);
        if rejection.reason != RejectionReason::NotARefusal {
            let (count, repeats) = state.rejections.entry(rejection.reason.name()).or_default();
            *count += 1;
            let times = repeats.again(version);
            self.report(state, ProviderEvent::Rejected { version, rejection: rejection.clone(), times });
        }
        if rejection.reason.wants_refresh() {
            self.feed(state, Input::Rejected(version));
        }
        rejection
    }

    /// A number for a connection of a listener, which is in its handshake from now on.
    pub(crate) fn connected(self: &Arc<Self>, listener: u64) -> u64 {
        if self.is_inherited() {
            return 0;
        }
        let mut state = self.lock();
        let connection = state.number();
        self.feed(&mut state, Input::Connected { listener, connection });
        connection
    }

    pub(crate) fn reauth_in(self: &Arc<Self>, version: u64) -> Duration {
        let State { machine, rng, .. } = &mut *self.lock();
        machine.reauth_in(Now::read(), version, rng.f64())
    }

    pub(crate) fn status(self: &Arc<Self>) -> Status {
        let state = self.lock();
        let mut status = state.machine.status(Now::read());
        let rejections = state.rejections.iter();
        status.counters.auth_rejections = rejections.map(|(reason, (count, _))| (*reason, *count)).collect();
        status.counters.events_dropped = state.observers.dropped;
        status
    }

    /// Whether this engine was made before a fork: then its lock may be held by a thread that does not
    /// exist here, and it must not be touched.
    pub(super) fn is_inherited(&self) -> bool {
        self.generation != entrakey_sys::fork::generation()
    }

    /// One input, and those that follow from it at once.
    pub(super) fn feed(self: &Arc<Self>, state: &mut State, input: Input) {
        let mut next = Some(input);
        while let Some(input) = next.take() {
            let State { machine, rng, .. } = state;
            for action in machine.step(Now::read(), input, &mut || rng.f64()) {
                if let Some(failed) = self.carry_out(state, action) {
                    next = Some(failed);
                }
            }
        }
        self.rearm(state);
    }

    /// Returns the input that follows if it could not be done.
    fn carry_out(self: &Arc<Self>, state: &mut State, action: Action) -> Option<Input> {
        match action {
            Action::Fetch(number, timeout) => return self.start_fetch(number, timeout),
            Action::Publish(token) => {
                let (generation, engine) = (self.generation, Some(self.clone()));
                self.published.store(Snapshot { generation, token: Some(token), engine });
            }
            Action::Resolve(id, answer) => match state.callers.remove(&id) {
                Some(Reply::Thread(pending)) => pending.fill(answer),
                Some(Reply::Callback(done)) => self.answers.submit(Box::new(move || done(answer))),
                None => {} // the caller gave up by itself
            },
            Action::Notify(id) => {
                let engine = self.clone();
                self.dispatcher.submit(Box::new(move || engine.notify(id)));
            }
            Action::Report(event) => self.report(state, event),
        }
        None
    }

    fn rearm(self: &Arc<Self>, state: &mut State) {
        let now = Now::read();
        let look = state.credential.alarm(state.machine.is_refused(), now.boot);
        let wanted = state.machine.alarm(now).into_iter().chain(look).min();
        let Some(at) = wanted.filter(|_| wanted != state.armed) else { return };
        let alarm: Weak<Self> = Arc::downgrade(self);
        // Without a timer thread the next call tries again; a token in hand stays good meanwhile.
        state.armed = timer::arm(self.alarm_id, at, alarm).ok().map(|()| at);
    }

    /// A refused credential whose file has changed since is tried at once. Not on the timer thread: a file
    /// system may hang.
    fn look_at_credential(self: &Arc<Self>, before: Stamp) {
        let engine = self.clone();
        self.events.submit(Box::new(move || {
            let seen = guarded(|| engine.source.stamp()).flatten();
            let mut state = engine.lock();
            let is_refused = state.machine.is_refused();
            if state.credential.end_look(is_refused, &before, seen.as_ref()) {
                engine.feed(&mut state, Input::CredentialChanged);
            }
        }));
    }

    fn start_fetch(self: &Arc<Self>, number: u64, timeout: Duration) -> Option<Input> {
        let engine = self.clone();
        let body = move || {
            let outcome = guarded(|| {
                let stamp = engine.source.stamp();
                engine.lock().credential.request_starts(stamp);
                // A little less: the source's own account of a time-out says more than the machine's.
                engine.source.fetch(timeout - ACCOUNT_MAX.min(timeout / 8))
            });
            let outcome =
                outcome.unwrap_or_else(|| Err(panicked())).map_err(|error| engine.presentable(error));
            if let Ok(grant) = &outcome {
                engine.pass_on(engine.source.advice(grant));
            }
            let event = outcome.map_or_else(|e| Input::Failed(number, e), |g| Input::Answered(number, g));
            engine.tell(event);
        };
        let spawned = spawn("entrakey-fetch", body);
        spawned.err().map(|_| Input::Failed(number, no_thread("for a token request")))
    }

    /// The error without the token in hand, which a host's callback or a tool may have put into its text.
    fn presentable(self: &Arc<Self>, error: Error) -> Error {
        if self.is_inherited() {
            return error;
        }
        let current = self.lock().machine.newest().cloned();
        error.hiding(current.as_ref().map(|token| token.secret()).as_slice())
    }

    /// Tells observers what the source says about its tokens, if it says something new.
    fn pass_on(self: &Arc<Self>, advice: Option<String>) {
        if self.is_inherited() {
            return;
        }
        let mut state = self.lock();
        if state.advice != advice {
            state.advice.clone_from(&advice);
            if let Some(message) = advice {
                self.report(&mut state, ProviderEvent::Warning { message });
            }
        }
    }

    /// Calls a listener with its news, on a dispatcher thread.
    fn notify(self: &Arc<Self>, id: u64) {
        let Some((listener, token)) = self.begin_call(id) else { return };
        let returned = guarded(|| {
            if let Some(token) = token {
                listener(&token);
            }
            drop(listener); // the last reference, if the listener was unsubscribed meanwhile
        });
        if self.is_inherited() {
            return; // the callback forked, and this is the child
        }
        self.calls.end(id);
        self.feed(&mut self.lock(), Input::Returned { listener: id, panicked: returned.is_none() });
    }

    /// None if the listener was unsubscribed before its turn came.
    fn begin_call(self: &Arc<Self>, id: u64) -> Option<(ListenerCallback, Option<Arc<Token>>)> {
        let mut state = self.lock();
        let listener = state.listeners.get(&id)?.clone();
        let news = state.machine.tell(Now::read(), id).map(|(token, _)| token);
        self.calls.begin(id); // under the engine's lock: whoever unsubscribes afterwards sees that it is being called
        Some((listener, news))
    }

    fn report(self: &Arc<Self>, state: &mut State, event: ProviderEvent) {
        if state.observers.push(event) {
            let engine = self.clone();
            self.events.submit(Box::new(move || engine.deliver_events()));
        }
    }

    fn deliver_events(self: &Arc<Self>) {
        loop {
            let (next, gone) = {
                let mut state = self.lock();
                let next = state.observers.next();
                let closed = next.is_none() && state.machine.is_closed();
                (next, closed.then(|| std::mem::take(&mut state.observers)))
            };
            drop(gone); // with no lock held: a host's destructor may do anything
            let Some((event, observers)) = next else { return };
            for observer in observers {
                // An observer that panics harms nobody but itself. The last reference to it may be dropped here.
                guarded(|| {
                    observer(&event);
                    drop(observer);
                });
                if self.is_inherited() {
                    return; // the observer forked, and this is the child
                }
            }
        }
    }
}

impl Alarm for Engine {
    fn ring(self: Arc<Self>) {
        let mut state = self.lock();
        state.armed = None;
        let is_refused = state.machine.is_refused();
        if let Some(before) = state.credential.begin_look(is_refused, entrakey_sys::clock::boot()) {
            self.look_at_credential(before);
        }
        self.feed(&mut state, Input::Timer);
    }
}

fn no_thread(what_for: &str) -> Error {
    let message = format!("The system gives no thread {what_for}. Raise the limit of threads or processes.");
    Error::new(ErrorKind::Network, message)
}

fn panicked() -> Error {
    let message = "A token request failed in a way that it never should. Please report this.";
    Error::new(ErrorKind::Internal, message).with_retriable(true)
}

/// The seed is from the operating system: a forked child must not draw its parent's numbers.
fn seed() -> u64 {
    let mut bytes = [0; 8];
    match getrandom::getrandom(&mut bytes) {
        Ok(()) => u64::from_le_bytes(bytes),
        Err(_) => entrakey_sys::clock::boot().as_nanos() as u64 ^ u64::from(std::process::id()) << 32,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_two_engines_draw_the_same_numbers() {
        assert_ne!(super::seed(), super::seed());
    }
}
