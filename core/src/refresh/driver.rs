//! The driver: feeds the state machine with time and answers, and does what it says.
//!
//! Everything here happens under one short lock that is never held while a host's code runs. Requests run
//! on short-lived threads, so a stuck one delays nobody but itself.

use super::dispatch::Dispatcher;
use super::machine::{Effects, Machine, Reply, Wish};
use super::snapshot::{Slot, Snapshot};
use super::timer::{self, Alarm};
use crate::clock::Now;
use crate::config::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::identity::Source;
use crate::notify::{Call, Callback, Listeners};
use crate::token::Token;
use crate::transport::Grant;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// Nobody looks more often than this.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// What an asynchronous wait calls with its answer.
pub(crate) type Done = Box<dyn FnOnce(Result<Arc<Token>>) + Send>;

/// One provider's engine in one process. A forked child gets another.
pub(crate) struct Engine {
    alarm_id: u64,
    generation: u64,
    source: Box<dyn Source>,
    slot: Slot,
    state: Mutex<State>,
    changed: Condvar,
    dispatcher: Arc<Dispatcher>,
}

struct State {
    machine: Machine,
    listeners: Listeners,
    waiters: Vec<Waiter>,
    rng: fastrand::Rng,
    /// What the timer was last asked for.
    armed: Option<Duration>,
}

/// A call that waits without a thread.
struct Waiter {
    wish: Wish,
    /// When it is to be looked at again, if nothing happens before.
    until: Duration,
    done: Done,
}

impl Engine {
    pub(crate) fn new(
        settings: &Settings,
        source: Box<dyn Source>,
        slot: Slot,
        inherited: Option<Arc<Token>>,
    ) -> Arc<Self> {
        let mut rng = fastrand::Rng::with_seed(seed());
        let mut machine = Machine::new(settings.policy.clone());
        if let Some(token) = inherited {
            machine.adopt(token, Now::read(), rng.f64());
        }
        let engine = Arc::new(Self {
            alarm_id: timer::new_id(),
            generation: entrakey_sys::fork::generation(),
            source,
            slot,
            state: Mutex::new(State {
                machine,
                listeners: Listeners::default(),
                waiters: Vec::new(),
                rng,
                armed: None,
            }),
            changed: Condvar::new(),
            dispatcher: Dispatcher::new(),
        });
        engine.rearm(&mut engine.lock());
        engine
    }

    /// A token, or the error that stands in its way. Blocks until `wish.deadline` at most.
    pub(crate) fn get(self: &Arc<Self>, wish: Wish) -> Result<Arc<Token>> {
        let mut state = self.lock();
        loop {
            let (now, reply) = self.ask(&mut state, wish);
            match reply {
                Reply::Serve(token) => return Ok(token),
                Reply::Fail(error) => return Err(error),
                Reply::Wait(until) => {
                    let wait = until.saturating_sub(now.boot).max(SHORTEST_WAIT);
                    state = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }

    /// The same without blocking: `done` is called once, by `wish.deadline`, here and now if the answer is
    /// known, else on a thread of the library's.
    pub(crate) fn get_then(self: &Arc<Self>, wish: Wish, done: Done) {
        let mut state = self.lock();
        let answer = match self.ask(&mut state, wish).1 {
            Reply::Serve(token) => Ok(token),
            Reply::Fail(error) => Err(error),
            Reply::Wait(until) => {
                state.waiters.push(Waiter { wish, until, done });
                self.rearm(&mut state);
                if state.armed.is_some() {
                    return;
                }
                let Some(Waiter { done, .. }) = state.waiters.pop() else { return };
                drop(state);
                return done(Err(no_thread("to wait for a token on")));
            }
        };
        drop(state);
        done(answer);
    }

    fn ask(self: &Arc<Self>, state: &mut State, wish: Wish) -> (Now, Reply) {
        let now = Now::read();
        let (reply, effects) = state.machine.get(now, wish);
        match self.carry_out(state, now, effects) {
            Carried::Out => (now, reply),
            Carried::Failed => (now, state.machine.get(now, wish).0), // which starts nothing: a failure waits
        }
    }

    pub(crate) fn subscribe(&self, callback: Callback) -> Result<u64> {
        let mut state = self.lock();
        if state.machine.is_closed() {
            return Err(Error::new(ErrorKind::Closed, "The provider is closed. Create a new one."));
        }
        Ok(state.listeners.add(callback))
    }

    /// Forgets a listener; its callback is dropped with no lock held.
    pub(crate) fn unsubscribe(&self, id: u64) {
        if !self.is_inherited() {
            let removed = self.lock().listeners.remove(id);
            drop(removed);
        }
    }

    /// Ends everything and waits for nothing; callers that wait get `CLOSED`.
    pub(crate) fn close(self: &Arc<Self>) {
        if self.is_inherited() {
            return;
        }
        let callbacks = {
            let mut state = self.lock();
            let effects = state.machine.close();
            self.carry_out(&mut state, Now::read(), effects);
            state.listeners.clear()
        };
        timer::disarm(self.alarm_id);
        drop(callbacks);
    }

    /// Whether this engine was made before a fork: then its lock may be held by a thread that does not
    /// exist here, and it must not be touched.
    fn is_inherited(&self) -> bool {
        self.generation != entrakey_sys::fork::generation()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn carry_out(self: &Arc<Self>, state: &mut State, now: Now, effects: Effects) -> Carried {
        let mut carried = Carried::Out;
        let mut wake = effects.wake;
        if let Some(token) = effects.publish {
            let (generation, engine) = (self.generation, Some(self.clone()));
            self.slot.store(Arc::new(Snapshot { generation, token: Some(token), engine }));
        }
        if let Some(window) = effects.notify_within {
            let State { listeners, rng, .. } = state;
            listeners.schedule(now.boot, window, || rng.f64());
        }
        if let Some((number, timeout)) = effects.fetch
            && self.start_fetch(number, timeout).is_err()
        {
            let random = state.rng.f64();
            state.machine.failed(now, number, no_thread("for a token request"), random);
            (carried, wake) = (Carried::Failed, true);
        }
        if wake {
            self.changed.notify_all();
            self.answer_waiters(state, now);
        }
        self.rearm(state);
        carried
    }

    fn rearm(self: &Arc<Self>, state: &mut State) {
        let waiters = state.waiters.iter().map(|waiter| waiter.until).min();
        let wanted = [state.machine.alarm(), state.listeners.alarm(), waiters].into_iter().flatten().min();
        let Some(at) = wanted.filter(|_| wanted != state.armed) else { return };
        let alarm: Weak<Self> = Arc::downgrade(self);
        // Without a timer thread the next call tries again; a token in hand stays good meanwhile.
        state.armed = timer::arm(self.alarm_id, at, alarm).ok().map(|()| at);
    }

    fn answer_waiters(self: &Arc<Self>, state: &mut State, now: Now) {
        for mut waiter in std::mem::take(&mut state.waiters) {
            let (reply, effects) = state.machine.get(now, waiter.wish);
            self.carry_out(state, now, effects); // a fetch at most, which wakes nobody
            let answer = match reply {
                Reply::Serve(token) => Ok(token),
                Reply::Fail(error) => Err(error),
                Reply::Wait(until) => {
                    waiter.until = until.max(now.boot + SHORTEST_WAIT);
                    state.waiters.push(waiter);
                    continue;
                }
            };
            self.dispatcher.submit(Box::new(move || (waiter.done)(answer)));
        }
    }

    fn start_fetch(self: &Arc<Self>, number: u64, timeout: Duration) -> std::io::Result<()> {
        let engine = self.clone();
        let body = move || {
            let fetch = AssertUnwindSafe(|| engine.source.fetch(timeout));
            let outcome = catch_unwind(fetch).unwrap_or_else(|_| Err(panicked()));
            if catch_unwind(AssertUnwindSafe(|| engine.landed(number, outcome))).is_err() {
                engine.landed(number, Err(panicked()));
            }
        };
        entrakey_sys::thread::spawn("entrakey-fetch", body).map(drop)
    }

    fn landed(self: &Arc<Self>, number: u64, outcome: Result<Grant>) {
        let mut state = self.lock();
        let (now, random) = (Now::read(), state.rng.f64());
        let effects = match outcome {
            Ok(grant) => state.machine.answered(now, number, grant, random),
            Err(error) => state.machine.failed(now, number, error, random),
        };
        self.carry_out(&mut state, now, effects);
    }

    fn tell(self: &Arc<Self>, call: Call) {
        let newest = {
            let state = self.lock();
            state.listeners.contains(call.id).then(|| state.machine.newest()).flatten()
        };
        if let Some(token) = newest {
            // A listener that panics harms nobody but itself.
            let _ = catch_unwind(AssertUnwindSafe(|| (call.callback)(&token)));
        }
        drop(call.callback);
        let mut state = self.lock();
        state.listeners.finished(call.id);
        self.rearm(&mut state);
    }
}

impl Alarm for Engine {
    fn ring(self: Arc<Self>) {
        let mut state = self.lock();
        state.armed = None;
        let (now, random) = (Now::read(), state.rng.f64());
        let effects = state.machine.tick(now, random);
        for call in state.listeners.due(now.boot) {
            let engine = self.clone();
            self.dispatcher.submit(Box::new(move || engine.tell(call)));
        }
        self.carry_out(&mut state, now, effects);
        self.answer_waiters(&mut state, now);
        self.rearm(&mut state);
    }
}

/// Whether the machine still stands where it said it would.
enum Carried {
    Out,
    /// A request could not be started, and counts as failed.
    Failed,
}

fn no_thread(what_for: &str) -> Error {
    let message = format!("The system gives no thread {what_for}. Raise the limit of threads or processes.");
    Error::new(ErrorKind::Internal, message).with_retriable(true)
}

fn panicked() -> Error {
    let message = "A token request failed in a way that it never should. Please report this.";
    Error::new(ErrorKind::Internal, message).with_retriable(true)
}

/// From the operating system: a forked child must not draw its parent's numbers.
fn seed() -> u64 {
    let mut bytes = [0; 8];
    match getrandom::getrandom(&mut bytes) {
        Ok(()) => u64::from_le_bytes(bytes),
        Err(_) => entrakey_sys::clock::boot().as_nanos() as u64 ^ u64::from(std::process::id()) << 32,
    }
}
