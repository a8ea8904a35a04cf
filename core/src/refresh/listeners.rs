//! Who wants to hear of a new token, and when each is told.

use super::listener::{Delivery, Listener, Watched};
use super::term::{Term, Terms};
use crate::connections::Ledger;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The listeners of one provider. What happens to one costs the logarithm of their number, a new token that number.
#[derive(Default)]
pub(super) struct Listeners {
    all: BTreeMap<u64, Listener>,
    terms: Terms,
    /// When each that may be called is due.
    calls: BTreeSet<(Duration, u64)>,
    /// The deadlines of those that were not reported, by the version that they are on: versions are few.
    deadlines: BTreeMap<u64, BTreeSet<(Duration, u64)>>,
}

impl Listeners {
    pub(super) fn add(&mut self, id: u64, term: Option<Term>, awaits_first: bool) {
        let listener = Listener::new(term, awaits_first);
        term.into_iter().for_each(|term| self.terms.add(term));
        self.enter(id, listener.watched());
        self.all.insert(id, listener);
    }

    pub(super) fn remove(&mut self, id: u64) {
        if let Some(listener) = self.all.remove(&id) {
            self.strike(id, listener.watched());
        }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Until when connections may stay on the token of `version`; one that was forgotten is over.
    pub(super) fn term(&self, version: u64) -> Term {
        self.terms.get(version)
    }

    /// A new token is there: each listener gets its own moment between now and its deadline, and keeps an
    /// earlier one that it already had. Of a first token only those are told who wait for it, at once.
    pub(super) fn news(
        &mut self,
        now: Duration,
        newest: Term,
        at_once: bool,
        random: &mut dyn FnMut() -> f64,
    ) {
        let mut all = std::mem::take(&mut self.all);
        self.calls.clear();
        self.deadlines.clear();
        for (id, listener) in &mut all {
            listener.news(now, newest, at_once, random);
            self.enter(*id, listener.watched());
        }
        self.all = all;
        let oldest = self.oldest().map_or(newest.version, |oldest| oldest.min(newest.version));
        self.terms.add(newest);
        self.terms.forget_before(oldest, now);
    }

    /// The listeners to call now; each has one call at a time.
    pub(super) fn take_due(&mut self, now: Duration, mut notify: impl FnMut(u64)) {
        while let Some((_, id)) = self.calls.first().copied().filter(|(due, _)| *due <= now) {
            self.update(id, |listener, _| listener.call());
            notify(id);
        }
    }

    /// The call of a listener begins. None if there is nothing that it has not heard of.
    pub(super) fn tell(&mut self, id: u64, now: Duration, newest: Term) -> Option<Delivery> {
        self.update(id, |listener, _| listener.tell(now, newest))?
    }

    pub(super) fn returned(&mut self, id: u64, panicked: bool) {
        self.update(id, |listener, terms| listener.returned(panicked, terms));
    }

    /// A connection of a listener is in its handshake.
    pub(super) fn connected(&mut self, id: u64, connection: u64) {
        self.update_ledger(id, |ledger| ledger.opened(connection));
    }

    /// True if the AUTH that the server took was a re-authentication.
    pub(super) fn authenticated(&mut self, id: u64, connection: u64, version: u64) -> bool {
        self.update_ledger(id, |ledger| ledger.authenticated(connection, version)).unwrap_or(false)
    }

    /// True if the AUTH that the server refused was a re-authentication.
    pub(super) fn refused(&mut self, id: u64, connection: u64, version: u64) -> bool {
        self.update_ledger(id, |ledger| ledger.refused(connection, version)).unwrap_or(false)
    }

    pub(super) fn disconnected(&mut self, id: u64, connection: u64) {
        self.update_ledger(id, |ledger| ledger.closed(connection));
    }

    /// False if there is no such listener.
    pub(super) fn acknowledged(&mut self, id: u64, version: u64, accepted: bool) -> bool {
        self.update(id, |listener, _| listener.acknowledged(version, accepted)).is_some()
    }

    /// The versions that connections are behind on past their deadline, and how many are on each that were not
    /// reported yet. A listener that does not say which connections it has counts as one.
    pub(super) fn take_stale(&mut self, now: Duration, newest: u64, mut report: impl FnMut(u64, usize)) {
        for (version, deadlines) in self.deadlines.range_mut(..newest) {
            let mut count = 0;
            while let Some((_, id)) = deadlines.first().copied().filter(|(deadline, _)| *deadline <= now) {
                deadlines.pop_first();
                count += self.all.get_mut(&id).map_or(0, Listener::report);
            }
            if count > 0 {
                report(*version, count);
            }
        }
        self.deadlines.retain(|_, deadlines| !deadlines.is_empty());
    }

    pub(super) fn stale(&self, now: Duration, newest: u64) -> usize {
        self.all.values().map(|listener| listener.stale(newest, now, &self.terms)).sum()
    }

    /// How many connections are open, of the listeners that say so.
    pub(super) fn connections(&self) -> usize {
        self.all.values().filter_map(Listener::connections).sum()
    }

    /// The oldest token that a connection is on.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.all.values().filter_map(Listener::oldest).min()
    }

    /// When something will be due.
    pub(super) fn alarm(&self, newest: u64) -> Option<Duration> {
        let behind = self.deadlines.range(..newest).filter_map(|(_, deadlines)| deadlines.first());
        self.calls.first().into_iter().chain(behind).map(|(at, _)| *at).min()
    }

    fn update_ledger<R>(&mut self, id: u64, change: impl FnOnce(&mut Ledger) -> R) -> Option<R> {
        self.update(id, |listener, terms| listener.change_ledger(terms, change))
    }

    /// None if there is no such listener.
    fn update<R>(&mut self, id: u64, change: impl FnOnce(&mut Listener, &Terms) -> R) -> Option<R> {
        let listener = self.all.get_mut(&id)?;
        let before = listener.watched();
        let result = change(listener, &self.terms);
        let after = listener.watched();
        if before != after {
            self.strike(id, before);
            self.enter(id, after);
        }
        Some(result)
    }

    fn enter(&mut self, id: u64, watched: Watched) {
        self.calls.extend(watched.call.map(|due| (due, id)));
        if let Some((version, deadline)) = watched.deadline {
            self.deadlines.entry(version).or_default().insert((deadline, id));
        }
    }

    fn strike(&mut self, id: u64, watched: Watched) {
        if let Some(due) = watched.call {
            self.calls.remove(&(due, id));
        }
        if let Some((version, deadline)) = watched.deadline
            && let Some(deadlines) = self.deadlines.get_mut(&version)
        {
            deadlines.remove(&(deadline, id));
            if deadlines.is_empty() {
                self.deadlines.remove(&version);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn term(version: u64, deadline: u64, spread: u64) -> Term {
        Term { version, deadline: at(deadline), spread: at(spread) }
    }

    fn due(listeners: &mut Listeners, now: u64) -> Vec<u64> {
        let mut ids = Vec::new();
        listeners.take_due(at(now), |id| ids.push(id));
        ids
    }

    #[test]
    fn each_listener_is_told_once_at_its_own_moment_serially_and_of_the_newest_only() {
        let mut listeners = Listeners::default();
        listeners.add(1, Some(term(1, 1000, 100)), false);
        listeners.add(2, Some(term(1, 1000, 100)), false);
        let mut draws = [0.5, 0.9].into_iter();
        listeners.news(at(0), term(2, 2000, 100), false, &mut || draws.next().unwrap());
        assert_eq!(listeners.alarm(2), Some(at(50)));
        assert_eq!(due(&mut listeners, 60), [1]);
        assert_eq!(listeners.tell(1, at(60), term(2, 2000, 100)), Some(Delivery::InTime));
        assert_eq!(due(&mut listeners, 95), [2]);
        listeners.news(at(100), term(3, 3000, 100), false, &mut || 0.0);
        assert_eq!(due(&mut listeners, 100), [0; 0], "both are busy");
        listeners.returned(1, false);
        assert_eq!(due(&mut listeners, 100), [1]);
        assert_eq!(listeners.tell(2, at(101), term(3, 3000, 100)), Some(Delivery::InTime), "latest wins");
        listeners.returned(2, false);
        assert_eq!(due(&mut listeners, 102), [2], "and what it has heard already is not said again");
        assert_eq!(listeners.tell(2, at(102), term(3, 3000, 100)), None);
    }

    #[test]
    fn the_first_token_is_news_for_who_waits_for_it_only() {
        let mut listeners = Listeners::default();
        listeners.add(1, None, false);
        listeners.add(2, None, true);
        listeners.add(3, Some(term(1, 1000, 100)), true);
        listeners.news(at(10), term(2, 2000, 100), false, &mut || 0.5);
        assert_eq!(due(&mut listeners, 10), [2], "at once");
        assert_eq!(listeners.tell(1, at(10), term(2, 2000, 100)), None);
        assert_eq!(listeners.tell(2, at(10), term(2, 2000, 100)), Some(Delivery::InTime));
        listeners.returned(2, false);
        assert_eq!(due(&mut listeners, 10), [0; 0]);
        listeners.news(at(20), term(3, 3000, 100), false, &mut || 0.5);
        assert_eq!(due(&mut listeners, 69), [3], "which had one, at its own moment");
        assert_eq!(due(&mut listeners, 70), [1, 2], "and each of what follows");
    }

    #[test]
    fn past_the_margin_or_after_a_rejection_news_goes_out_at_once() {
        let mut listeners = Listeners::default();
        listeners.add(1, Some(term(1, 1000, 500)), false);
        listeners.news(at(900), term(2, 2000, 500), false, &mut || 1.0);
        assert_eq!(listeners.alarm(2), Some(at(1000)), "inside what is left before the margin");
        let mut listeners = Listeners::default();
        listeners.add(1, Some(term(1, 1000, 500)), false);
        listeners.news(at(1100), term(2, 2000, 500), false, &mut || 1.0);
        assert_eq!(due(&mut listeners, 1100), [1]);
        assert_eq!(listeners.tell(1, at(1100), term(2, 2000, 500)), Some(Delivery::Late));
        let mut listeners = Listeners::default();
        listeners.add(1, Some(term(1, 1000, 500)), false);
        listeners.news(at(10), term(2, 2000, 500), true, &mut || 1.0);
        assert_eq!(due(&mut listeners, 10), [1]);
    }

    #[test]
    fn one_that_does_not_come_back_or_does_not_acknowledge_is_stale_and_reported_once() {
        let mut listeners = Listeners::default();
        listeners.add(1, Some(term(1, 1000, 0)), false);
        listeners.news(at(10), term(2, 2000, 0), false, &mut || 0.0);
        assert_eq!(due(&mut listeners, 10), [1]);
        assert!(listeners.tell(1, at(10), term(2, 2000, 0)).is_some());
        assert_eq!(listeners.alarm(2), Some(at(1000)), "stalled");
        assert_eq!(listeners.stale(at(999), 2), 0);
        let mut reports = 0;
        for _ in 0..3 {
            listeners.take_stale(at(1000), 2, |version, count| reports += version * count as u64);
        }
        assert_eq!((listeners.stale(at(1000), 2), reports, listeners.oldest()), (1, 1, Some(1)));
        listeners.news(at(1500), term(3, 3000, 0), false, &mut || 0.0);
        listeners.take_stale(at(1500), 3, |version, count| reports += version * count as u64);
        assert_eq!(reports, 2, "and again with the next token");
        assert!(!listeners.acknowledged(7, 2, true), "no such listener");
        assert!(listeners.acknowledged(1, 2, false));
        listeners.returned(1, false);
        assert_eq!(listeners.stale(at(1000), 2), 1, "returned, but its connections were refused");
        assert!(listeners.acknowledged(1, 2, true));
        assert_eq!((listeners.stale(at(1000), 2), listeners.oldest()), (0, Some(2)));
    }

    #[test]
    fn a_later_token_never_postpones_and_a_call_under_way_may_shorten() {
        let mut listeners = Listeners::default();
        listeners.add(1, Some(term(1, 1000, 100)), false);
        listeners.news(at(0), term(2, 2000, 100), false, &mut || 0.2);
        listeners.news(at(10), term(3, 3000, 100), false, &mut || 0.9);
        assert_eq!(listeners.alarm(3), Some(at(20)), "the earlier moment is kept");
        assert_eq!(due(&mut listeners, 20), [1]);
        // What it is being told of expires sooner than what it was on.
        assert!(listeners.tell(1, at(20), term(3, 50, 100)).is_some());
        listeners.news(at(30), term(4, 4000, 100), false, &mut || 1.0);
        listeners.returned(1, false);
        assert_eq!(due(&mut listeners, 50), [1]);
    }

    #[test]
    fn those_that_are_stale_together_are_one_report_with_their_number() {
        let mut listeners = Listeners::default();
        (0..1000).for_each(|id| listeners.add(id, Some(term(1 + id % 2, 1000, 0)), false));
        listeners.news(at(10), term(3, 3000, 0), false, &mut || 0.0);
        listeners.remove(0);
        let mut reports = Vec::new();
        for now in [999, 1000, 1001] {
            listeners.take_stale(at(now), 3, |version, count| reports.push((version, count)));
        }
        assert_eq!(reports, [(1, 499), (2, 500)]);
    }

    #[test]
    fn nothing_is_left_of_who_has_gone() {
        let mut listeners = Listeners::default();
        (0..100).for_each(|id| listeners.add(id, Some(term(1, 1000, 100)), false));
        listeners.news(at(0), term(2, 2000, 100), false, &mut || 0.5);
        assert_eq!(due(&mut listeners, 50).len(), 100);
        (0..50).for_each(|id| listeners.returned(id, false));
        assert!((0..100).all(|id| listeners.tell(id, at(50), term(2, 2000, 100)).is_some()));
        (0..100).for_each(|id| listeners.remove(id));
        assert_eq!((listeners.len(), listeners.alarm(9), listeners.oldest()), (0, None, None));
        assert!(listeners.calls.is_empty() && listeners.deadlines.is_empty());
        assert!(!listeners.acknowledged(1, 2, true));
    }

    /// 200,000 listeners: with a walk through all of them at each step this would be 10^11 steps, hours.
    #[test]
    fn what_happens_to_one_listener_does_not_touch_the_others() {
        const MANY: u64 = 200_000;
        let mut listeners = Listeners::default();
        (0..MANY).for_each(|id| listeners.add(id, Some(term(1, 1000, 100)), false));
        let mut draws = (0..MANY).map(|id| id as f64 / MANY as f64);
        listeners.news(at(0), term(2, 2000, 100), false, &mut || draws.next().unwrap());
        assert_eq!(listeners.alarm(2), Some(at(0)));
        assert_eq!(due(&mut listeners, 100).len() as u64, MANY);
        for id in 0..MANY {
            assert_eq!(listeners.tell(id, at(100), term(2, 2000, 100)), Some(Delivery::InTime));
            listeners.returned(id, false);
            assert_eq!(listeners.alarm(2), (id + 1 < MANY).then_some(at(1000)));
        }
        (0..MANY).for_each(|id| listeners.remove(id));
        assert_eq!(listeners.len(), 0);
    }

    /// Two connections on the first token, told of the second.
    fn with_two_connections() -> Listeners {
        let mut listeners = Listeners::default();
        listeners.add(1, Some(term(1, 1000, 0)), false);
        for connection in [7, 8] {
            listeners.connected(1, connection);
            assert!(!listeners.authenticated(1, connection, 1), "the first is no re-authentication");
        }
        listeners.news(at(10), term(2, 2000, 0), false, &mut || 0.0);
        assert_eq!(due(&mut listeners, 10), [1]);
        assert!(listeners.tell(1, at(10), term(2, 2000, 0)).is_some());
        listeners.returned(1, false);
        listeners
    }

    #[test]
    fn with_a_ledger_connections_say_what_a_listener_is_on_and_neither_its_return_nor_acknowledgements() {
        let mut listeners = with_two_connections();
        assert!(listeners.acknowledged(1, 2, true));
        assert_eq!((listeners.connections(), listeners.oldest()), (2, Some(1)));
        assert_eq!((listeners.stale(at(999), 2), listeners.stale(at(1000), 2)), (0, 2));
        assert!(listeners.authenticated(1, 7, 2));
        assert!(listeners.refused(1, 8, 2));
        assert_eq!((listeners.stale(at(1000), 2), listeners.oldest()), (1, Some(1)), "the refused one");
        listeners.disconnected(1, 8);
        assert_eq!((listeners.stale(at(1000), 2), listeners.oldest()), (0, Some(2)));
        listeners.disconnected(1, 7);
        assert_eq!((listeners.connections(), listeners.oldest()), (0, None), "nobody is on anything");
        assert!(!listeners.authenticated(2, 7, 2) && !listeners.refused(2, 7, 2), "no such listener");
    }

    #[test]
    fn one_without_connections_hears_of_each_token_and_a_new_connection_is_on_its_own() {
        let mut listeners = with_two_connections();
        [7, 8].into_iter().for_each(|connection| listeners.disconnected(1, connection));
        listeners.news(at(20), term(3, 3000, 0), false, &mut || 0.0);
        assert_eq!(due(&mut listeners, 20), [1]);
        listeners.connected(1, 9);
        listeners.authenticated(1, 9, 3);
        assert!(listeners.tell(1, at(20), term(3, 3000, 0)).is_some());
        assert_eq!((listeners.stale(at(9999), 3), listeners.oldest()), (0, Some(3)));
    }

    #[test]
    fn stale_connections_are_reported_once_for_each_token_that_they_are_on() {
        let mut listeners = with_two_connections();
        listeners.authenticated(1, 7, 2);
        listeners.news(at(20), term(3, 3000, 0), false, &mut || 0.0);
        let mut reports = Vec::new();
        let mut look = |listeners: &mut Listeners, now| {
            listeners.take_stale(at(now), 3, |version, count| reports.push((now, version, count)));
        };
        (998..1003).for_each(|now| look(&mut listeners, now));
        listeners.disconnected(1, 8); // the server has dropped this connection
        assert_eq!(listeners.alarm(3), Some(at(20)), "the call that is due");
        (1998..2003).for_each(|now| look(&mut listeners, now));
        assert_eq!(reports, [(1000, 1, 1), (2000, 2, 1)]);
    }

    #[test]
    fn a_connection_whose_token_was_replaced_during_its_handshake_is_on_one_that_is_still_good() {
        let mut listeners = Listeners::default();
        listeners.add(1, Some(term(1, 1000, 0)), false);
        listeners.connected(1, 7);
        listeners.news(at(10), term(2, 2000, 0), false, &mut || 0.0);
        listeners.authenticated(1, 7, 1);
        let mut reports = Vec::new();
        for now in [11, 999, 1000] {
            listeners.take_stale(at(now), 2, |version, count| reports.push((now, version, count)));
        }
        assert_eq!(reports, [(1000, 1, 1)]);
        assert_eq!((listeners.stale(at(999), 2), listeners.stale(at(1000), 2)), (0, 1));
    }

    #[test]
    fn only_tokens_that_somebody_may_be_on_are_remembered() {
        let mut listeners = with_two_connections();
        for version in 3..100 {
            listeners.news(at(1000 * version - 500), term(version, 1000 * version, 0), false, &mut || 0.0);
            for connection in [7, 8] {
                assert!(listeners.authenticated(1, connection, version));
            }
        }
        assert!(listeners.terms.len() < 4, "{}", listeners.terms.len());
    }
}
