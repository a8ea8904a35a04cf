//! Who wants to hear of a new token, and when each is told.

use crate::refresh::Engine;
use crate::token::Token;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// What is called with a new token: on a thread of ours, with no lock held.
pub(crate) type Callback = Arc<dyn Fn(&Arc<Token>) + Send + Sync>;

/// A listener's registration. Dropping it ends it and never waits: a call under way may still finish.
#[must_use = "dropping a subscription ends it"]
pub struct Subscription {
    pub(crate) id: u64,
    pub(crate) engine: Weak<Engine>,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.upgrade() {
            engine.unsubscribe(self.id);
        }
    }
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The listeners of one provider.
#[derive(Default)]
pub(crate) struct Listeners {
    entries: Vec<Entry>,
    added: u64,
}

struct Entry {
    id: u64,
    callback: Callback,
    /// When it is to be told, on the boot clock.
    due: Option<Duration>,
    /// A call is under way; the next one waits for it.
    busy: bool,
}

/// A call to make.
pub(crate) struct Call {
    pub(crate) id: u64,
    pub(crate) callback: Callback,
}

impl Listeners {
    pub(crate) fn add(&mut self, callback: Callback) -> u64 {
        self.added += 1;
        self.entries.push(Entry { id: self.added, callback, due: None, busy: false });
        self.added
    }

    /// The removed callback, to be dropped by the caller after it has let go of its locks: a host's
    /// destructor may do anything.
    pub(crate) fn remove(&mut self, id: u64) -> Option<Callback> {
        let index = self.entries.iter().position(|entry| entry.id == id)?;
        Some(self.entries.swap_remove(index).callback)
    }

    pub(crate) fn clear(&mut self) -> Vec<Callback> {
        self.entries.drain(..).map(|entry| entry.callback).collect()
    }

    /// A new token is there: each listener gets its own moment inside the window, and keeps an earlier one
    /// that it already had.
    pub(crate) fn schedule(&mut self, now: Duration, window: Duration, mut random: impl FnMut() -> f64) {
        for entry in &mut self.entries {
            let moment = now + window.mul_f64(random());
            entry.due = Some(entry.due.map_or(moment, |due| due.min(moment)));
        }
    }

    /// The calls that are due now; each listener has one at a time.
    pub(crate) fn due(&mut self, now: Duration) -> Vec<Call> {
        let ready = |entry: &&mut Entry| !entry.busy && entry.due.is_some_and(|due| due <= now);
        let mark = |entry: &mut Entry| {
            entry.due = None;
            entry.busy = true;
            Call { id: entry.id, callback: entry.callback.clone() }
        };
        self.entries.iter_mut().filter(ready).map(mark).collect()
    }

    pub(crate) fn contains(&self, id: u64) -> bool {
        self.entries.iter().any(|entry| entry.id == id)
    }

    pub(crate) fn finished(&mut self, id: u64) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == id) {
            entry.busy = false;
        }
    }

    /// When `due` will have something, on the boot clock.
    pub(crate) fn alarm(&self) -> Option<Duration> {
        self.entries.iter().filter(|entry| !entry.busy).filter_map(|entry| entry.due).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn each_listener_is_told_once_at_its_own_moment_and_serially() {
        let mut listeners = Listeners::default();
        let (a, b) = (listeners.add(Arc::new(|_| ())), listeners.add(Arc::new(|_| ())));
        let mut draws = [0.5, 0.9].into_iter();
        listeners.schedule(at(0), at(100), || draws.next().unwrap());
        let ids = |calls: Vec<Call>| calls.iter().map(|call| call.id).collect::<Vec<_>>();
        assert_eq!(listeners.alarm(), Some(at(50)));
        assert_eq!(ids(listeners.due(at(60))), [a]);
        assert_eq!(ids(listeners.due(at(95))), [b]);
        listeners.schedule(at(100), at(0), || 0.0);
        assert_eq!(ids(listeners.due(at(100))), [0; 0], "both are busy");
        listeners.finished(a);
        assert_eq!(ids(listeners.due(at(100))), [a]);
        listeners.finished(b);
        assert!(listeners.remove(b).is_some() && listeners.remove(b).is_none());
        assert_eq!(listeners.alarm(), None);
    }
}
