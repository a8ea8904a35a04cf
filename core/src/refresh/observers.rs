//! Who is told of a provider's events: in their order, from a bounded queue, with no lock held.

use crate::event::{Level, ProviderEvent};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// What is called with each event.
pub(crate) type Observer = Arc<dyn Fn(&ProviderEvent) + Send + Sync>;

/// With an observer so slow that this many events of one kind wait, newer ones of that kind are dropped and counted.
/// A provider makes a few in an hour, and one for each connection that re-authenticates (or fails to), which
/// must not crowd out those few.
const MAX_QUEUED_OF_A_KIND: usize = 256;

#[derive(Default)]
pub(super) struct Observers {
    all: Vec<(u64, Level, Observer)>,
    queue: VecDeque<ProviderEvent>,
    /// How many of each kind are in the queue: a name, and how much it matters, which differs among events of a name.
    queued: HashMap<(&'static str, Level), usize>,
    /// A job that empties the queue is under way.
    draining: bool,
    pub(super) dropped: u64,
}

impl Observers {
    pub(super) fn add(&mut self, id: u64, level: Level, observer: Observer) {
        self.all.push((id, level, observer));
    }

    /// The removed observer, to be dropped with no lock held.
    pub(super) fn remove(&mut self, id: u64) -> Option<Observer> {
        let index = self.all.iter().position(|(known, ..)| *known == id)?;
        Some(self.all.swap_remove(index).2)
    }

    /// All observers, to be dropped with no lock held, unless a delivery is under way.
    pub(super) fn take_idle(&mut self) -> Option<Self> {
        (!self.draining).then(|| std::mem::take(self))
    }

    /// Keeps the event for those who want it; true if a job to deliver it is to be started.
    pub(super) fn push(&mut self, event: ProviderEvent) -> bool {
        if !self.all.iter().any(|(_, level, _)| event.level() <= *level) {
            return false;
        }
        let queued = self.queued.entry((event.name(), event.level())).or_default();
        if *queued >= MAX_QUEUED_OF_A_KIND {
            self.dropped += 1;
            return false;
        }
        *queued += 1;
        self.queue.push_back(event);
        !std::mem::replace(&mut self.draining, true)
    }

    /// The next event and the observers to tell. None when the queue is empty.
    pub(super) fn next(&mut self) -> Option<(ProviderEvent, Vec<Observer>)> {
        let Some(event) = self.queue.pop_front() else {
            self.draining = false;
            return None;
        };
        self.queued.entry((event.name(), event.level())).and_modify(|queued| *queued -= 1);
        let wants = self.all.iter().filter(|(_, level, _)| event.level() <= *level);
        let observers = wants.map(|(.., observer)| observer.clone()).collect();
        Some((event, observers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_observer_that_is_removed_is_the_one_that_is_meant() {
        let mut observers = Observers::default();
        observers.add(1, Level::Info, Arc::new(|_| ()));
        observers.add(2, Level::Debug, Arc::new(|_| ()));
        assert!(observers.remove(3).is_none() && observers.remove(2).is_some());
        assert!(
            !observers.push(ProviderEvent::Reauthenticated { version: 1 }),
            "nobody is left who wants details"
        );
        assert!(observers.push(ProviderEvent::Closed));
    }

    #[test]
    fn an_observer_gets_its_level_and_a_full_queue_drops_and_counts() {
        let mut observers = Observers::default();
        assert!(!observers.push(ProviderEvent::Closed), "nobody is there");
        observers.add(1, Level::Info, Arc::new(|_| ()));
        assert!(!observers.push(ProviderEvent::Reauthenticated { version: 1 }), "nobody wants that level");
        assert!(observers.push(ProviderEvent::ListenerFailed { times: 1 }), "starts a delivery");
        for _ in 0..300 {
            assert!(!observers.push(ProviderEvent::Closed), "which goes on");
        }
        assert_eq!(observers.dropped, 44);
        assert!(!observers.push(ProviderEvent::ReauthenticationFailed {
            version: 1,
            times: 1,
            explained: false
        }));
        assert_eq!(observers.dropped, 44, "one of another kind is not crowded out");
        let failed = |changed| ProviderEvent::RefreshFailed {
            error: crate::error::Error::closed(),
            attempt: 1,
            next_attempt_in: std::time::Duration::ZERO,
            changed,
        };
        observers.add(2, Level::Debug, Arc::new(|_| ()));
        (0..300).for_each(|_| assert!(!observers.push(failed(false))));
        assert_eq!(observers.dropped, 88);
        assert!(!observers.push(failed(true)));
        assert_eq!(observers.dropped, 88, "what matters is not crowded out by what does not");
        assert!(observers.remove(2).is_some());
        let delivered = std::iter::from_fn(|| observers.next()).map(|(event, _)| event.name());
        let delivered: Vec<_> = delivered.collect();
        assert_eq!((delivered.len(), delivered[0]), (2 * MAX_QUEUED_OF_A_KIND + 3, "listener_failed"));
        assert_eq!(delivered[MAX_QUEUED_OF_A_KIND + 1], "reauthentication_failed", "in their order");
        assert_eq!(delivered.last(), Some(&"refresh_failed"));
        assert!(observers.push(ProviderEvent::Closed), "a new delivery");
        assert!(observers.remove(1).is_some());
        assert!(observers.next().is_some_and(|(_, observers)| observers.is_empty()));
    }
}
