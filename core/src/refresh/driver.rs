//! The driver: feeds the state machine with time and answers, and does what it says.
//!
//! Everything here happens under one short lock that is never held while a host's code runs. Requests run
//! on short-lived threads, so a stuck one delays nobody but itself.

use super::machine::{Effects, Machine, Reply, Wish};
use super::snapshot::{Slot, Snapshot};
use super::timer::{self, Alarm};
use crate::clock::Now;
use crate::config::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::identity::Source;
use crate::notify::{Callback, Job, Listeners};
use crate::token::Token;
use crate::transport::Grant;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// When the system gives no thread to tell a listener on, it is tried again after this.
const NO_THREAD_WAIT: Duration = Duration::from_secs(1);

/// One provider's engine in one process. A forked child gets another.
pub(crate) struct Engine {
    id: u64,
    generation: u64,
    source: Box<dyn Source>,
    slot: Slot,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    machine: Machine,
    listeners: Listeners,
    rng: fastrand::Rng,
    /// What the timer was last asked for.
    armed: Option<Duration>,
}

impl Engine {
    pub(crate) fn new(
        settings: &Settings,
        source: Box<dyn Source>,
        slot: Slot,
        inherited: Option<Arc<Token>>,
    ) -> Arc<Self> {
        static IDS: AtomicU64 = AtomicU64::new(0);
        let mut rng = fastrand::Rng::with_seed(seed());
        let mut machine = Machine::new(settings.policy.clone());
        if let Some(token) = inherited {
            machine.adopt(token, Now::read(), rng.f64());
        }
        let engine = Arc::new(Self {
            id: IDS.fetch_add(1, Ordering::Relaxed),
            generation: entrakey_sys::fork::generation(),
            source,
            slot,
            state: Mutex::new(State { machine, listeners: Listeners::default(), rng, armed: None }),
            changed: Condvar::new(),
        });
        engine.rearm(&mut engine.lock());
        engine
    }

    /// A token, or the error that stands in its way. Blocks until `wish.deadline` at most.
    pub(crate) fn get(self: &Arc<Self>, wish: Wish) -> Result<Arc<Token>> {
        let mut state = self.lock();
        loop {
            let now = Now::read();
            let (reply, effects) = state.machine.get(now, wish);
            self.carry_out(&mut state, now, effects);
            match reply {
                Reply::Serve(token) => return Ok(token),
                Reply::Fail(error) => return Err(error),
                Reply::Wait(until) => {
                    let wait = until.saturating_sub(now.boot).max(Duration::from_millis(1));
                    state = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
                }
            }
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
    pub(crate) fn close(&self) {
        if self.is_inherited() {
            return;
        }
        let callbacks = {
            let mut state = self.lock();
            state.machine.close();
            self.changed.notify_all();
            state.listeners.clear()
        };
        timer::disarm(self.id);
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

    fn carry_out(self: &Arc<Self>, state: &mut State, now: Now, effects: Effects) {
        if let Some(token) = effects.publish {
            let (generation, engine) = (self.generation, Some(self.clone()));
            self.slot.store(Arc::new(Snapshot { generation, token: Some(token), engine }));
        }
        if let Some(window) = effects.notify_within {
            let State { listeners, rng, .. } = state;
            listeners.schedule(now.boot, window, || rng.f64());
        }
        if let Some((number, timeout)) = effects.fetch {
            self.start_fetch(state, now, number, timeout);
        }
        if effects.wake {
            self.changed.notify_all();
        }
        self.rearm(state);
    }

    fn rearm(self: &Arc<Self>, state: &mut State) {
        let wanted = [state.machine.alarm(), state.listeners.alarm()].into_iter().flatten().min();
        let Some(at) = wanted.filter(|_| wanted != state.armed) else { return };
        let alarm: Weak<Self> = Arc::downgrade(self);
        // Without a timer thread the next call tries again; a token in hand stays good meanwhile.
        state.armed = timer::arm(self.id, at, alarm).ok().map(|()| at);
    }

    fn start_fetch(self: &Arc<Self>, state: &mut State, now: Now, number: u64, timeout: Duration) {
        let engine = self.clone();
        let body = move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| engine.source.fetch(timeout)));
            engine.landed(number, outcome.unwrap_or_else(|_| Err(panicked())));
        };
        if let Err(error) = entrakey_sys::thread::spawn("entrakey-fetch", body) {
            let message = format!("The system gives no thread for a token request: {error}.");
            let error = Error::new(ErrorKind::Internal, message).with_retriable(true);
            let random = state.rng.f64();
            state.machine.failed(now, number, error, random);
            self.changed.notify_all();
        }
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

    /// Calls a listener on a thread of its own, so that one that blocks delays no other.
    fn dispatch(self: &Arc<Self>, job: Job) {
        let (engine, id) = (self.clone(), job.id);
        if entrakey_sys::thread::spawn("entrakey-notify", move || engine.tell(job)).is_err() {
            let mut state = self.lock();
            state.listeners.postpone(id, entrakey_sys::clock::boot() + NO_THREAD_WAIT);
            self.rearm(&mut state);
        }
    }

    fn tell(self: &Arc<Self>, job: Job) {
        let newest = {
            let state = self.lock();
            state.listeners.contains(job.id).then(|| state.machine.newest()).flatten()
        };
        if let Some(token) = newest {
            // A listener that panics harms nobody but itself.
            let _ = catch_unwind(AssertUnwindSafe(|| (job.callback)(&token)));
        }
        drop(job.callback);
        let mut state = self.lock();
        state.listeners.finished(job.id);
        self.rearm(&mut state);
    }
}

impl Alarm for Engine {
    fn ring(self: Arc<Self>) {
        let jobs = {
            let mut state = self.lock();
            state.armed = None;
            let (now, random) = (Now::read(), state.rng.f64());
            let effects = state.machine.tick(now, random);
            let jobs = state.listeners.due(now.boot);
            self.carry_out(&mut state, now, effects);
            jobs
        };
        for job in jobs {
            self.dispatch(job);
        }
    }
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
