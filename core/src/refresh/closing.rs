//! The engine's lock, and its end.
//!
//! `close` must not queue for the lock: behind 64 threads that call again and again on two processors that took
//! seconds. It leaves a note instead; whoever holds the lock then, or takes it next, ends the engine.

use super::callers::ListenerCallback;
use super::driver::{Engine, State};
use super::observers::Observers;
use super::snapshot::Snapshot;
use super::step::Input;
use super::timer;
use crate::sync::MutexGuard;
use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, PoisonError, TryLockError};

/// What an ended engine leaves behind. To be dropped with no lock held: a host's destructors may do anything.
pub(super) struct Remains {
    _listeners: HashMap<u64, ListenerCallback>,
    /// None while the observers have yet to hear of the end.
    _observers: Option<Observers>,
}

/// The engine's state, locked. Its fields are dropped in this order: the lock is free when the note is looked for.
pub(super) struct Locked<'a> {
    state: MutexGuard<'a, State>,
    _then: LookForNote<'a>,
}

struct LookForNote<'a>(&'a Arc<Engine>);

impl Engine {
    /// Ends everything and waits for nothing; callers that wait get `CLOSED`.
    pub(crate) fn close(self: &Arc<Self>) {
        if self.is_inherited() {
            return;
        }
        self.closing.store(true, Ordering::SeqCst);
        drop(self.end_if_free());
    }

    pub(super) fn lock(self: &Arc<Self>) -> Locked<'_> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(remains) = self.end_if_closing(&mut state) {
            self.leave(remains);
        }
        Locked { state, _then: LookForNote(self) }
    }

    /// Does nothing if the lock is taken: the thread that holds it looks for the note when it lets go. The fence lets
    /// one of the two see what the other did.
    fn end_if_free(self: &Arc<Self>) -> Option<Remains> {
        fence(Ordering::SeqCst);
        if !self.closing.load(Ordering::SeqCst) {
            return None;
        }
        let mut state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        self.end_if_closing(&mut state)
    }

    fn end_if_closing(self: &Arc<Self>, state: &mut State) -> Option<Remains> {
        if !self.closing.swap(false, Ordering::SeqCst) {
            return None;
        }
        self.feed(state, Input::Close);
        timer::disarm(self.alarm_id);
        let published = self.published.load_full();
        if published.engine.as_ref().is_some_and(|engine| Arc::ptr_eq(engine, self)) {
            self.published.store(Snapshot::empty()); // a token may have come since the provider forgot its last one
        }
        Some(Remains {
            _listeners: std::mem::take(&mut state.listeners),
            _observers: state.observers.take_idle(),
        })
    }

    /// The thread that holds the lock may be the timer of all providers: it must not run a host's destructors.
    fn leave(&self, remains: Remains) {
        self.events.submit(Box::new(move || drop(remains)));
    }
}

impl Drop for LookForNote<'_> {
    fn drop(&mut self) {
        if let Some(remains) = self.0.end_if_free() {
            self.0.leave(remains);
        }
    }
}

impl Deref for Locked<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}
