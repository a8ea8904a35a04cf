//! Who wants to hear of a new token, and when each is told.

use super::policy::Life;
use super::policy::Policy;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What the connections of a listener are authenticated with, as far as is known. Times on the boot clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct On {
    pub(super) version: u64,
    /// Until when they have to be told of a newer one: expiry less the margin.
    pub(super) deadline: Duration,
    /// Over how long re-authentications are spread.
    spread: Duration,
}

impl On {
    pub(super) fn new(version: u64, end: Duration, life: Life, policy: &Policy) -> Self {
        Self { version, deadline: end.saturating_sub(policy.margin(life)), spread: policy.spread(life) }
    }
}

struct Listener {
    /// None: it came when there was no token, so nobody is authenticated.
    on: Option<On>,
    /// It wants to hear of the first token too.
    awaits_first: bool,
    /// What it was told last.
    told: Option<On>,
    /// When it is to be told.
    due: Option<Duration>,
    /// A call was asked for or is under way; the next one waits for it.
    busy: bool,
    /// It says itself what became of each re-authentication.
    acknowledges: bool,
    /// It was reported as being behind.
    reported: bool,
}

impl Listener {
    fn is_stale(&self, newest: u64, now: Duration) -> bool {
        self.on.is_some_and(|on| on.version < newest && now >= on.deadline)
    }

    /// When it may be called.
    fn call(&self) -> Option<Duration> {
        self.due.filter(|_| !self.busy)
    }

    /// The version that it is on and the deadline of that, as long as it was not reported.
    fn watched(&self) -> Option<(u64, Duration)> {
        self.on.filter(|_| !self.reported).map(|on| (on.version, on.deadline))
    }

    fn news(&mut self, now: Duration, newest: On, at_once: bool, random: &mut dyn FnMut() -> f64) {
        let Some(on) = self.on else {
            self.on = Some(newest);
            if self.awaits_first {
                self.due = Some(now);
            } else {
                self.told = Some(newest);
            }
            return;
        };
        // A call under way may have put its connections on a token that expires sooner.
        let deadline = on.deadline.min(self.told.unwrap_or(on).deadline);
        let window = on.spread.min(deadline.saturating_sub(now));
        let moment = if at_once { now } else { now + window.mul_f64(random()) };
        self.due = Some(self.due.map_or(moment, |due| due.min(moment)));
        self.reported = false;
    }
}

/// The listeners of one provider. What happens to one costs the logarithm of their number, a new token that number.
#[derive(Default)]
pub(super) struct Listeners {
    all: BTreeMap<u64, Listener>,
    /// When each that may be called is due.
    calls: BTreeSet<(Duration, u64)>,
    /// The deadlines of those that were not reported, by the version that they are on: versions are few.
    deadlines: BTreeMap<u64, BTreeSet<(Duration, u64)>>,
}

impl Listeners {
    pub(super) fn add(&mut self, id: u64, on: Option<On>, awaits_first: bool) {
        let (told, due, busy, acknowledges, reported) = (on, None, false, false, false);
        let listener = Listener { on, awaits_first, told, due, busy, acknowledges, reported };
        self.enter(id, listener.call(), listener.watched());
        self.all.insert(id, listener);
    }

    pub(super) fn remove(&mut self, id: u64) {
        if let Some(listener) = self.all.remove(&id) {
            self.strike(id, listener.call(), listener.watched());
        }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// A new token is there: each listener gets its own moment between now and its deadline, and keeps an
    /// earlier one that it already had. Of a first token only those are told who wait for it, at once.
    pub(super) fn news(&mut self, now: Duration, newest: On, at_once: bool, random: &mut dyn FnMut() -> f64) {
        let mut all = std::mem::take(&mut self.all);
        self.calls.clear();
        self.deadlines.clear();
        for (id, listener) in &mut all {
            listener.news(now, newest, at_once, random);
            self.enter(*id, listener.call(), listener.watched());
        }
        self.all = all;
    }

    /// The listeners to call now; each has one call at a time.
    pub(super) fn take_due(&mut self, now: Duration, mut notify: impl FnMut(u64)) {
        while let Some((_, id)) = self.calls.first().copied().filter(|(due, _)| *due <= now) {
            self.update(id, |listener| (listener.due, listener.busy) = (None, true));
            notify(id);
        }
    }

    /// The call of a listener begins: whether it has to hear of `newest`, and whether that is late.
    pub(super) fn take_news(&mut self, id: u64, now: Duration, newest: On) -> Option<Late> {
        self.update(id, |listener| {
            if listener.told.is_some_and(|told| told.version >= newest.version) {
                return None;
            }
            listener.told = Some(newest);
            Some(Late(listener.on.is_some_and(|on| now > on.deadline)))
        })?
    }

    /// One that panicked has told its connections nothing, as far as is known.
    pub(super) fn returned(&mut self, id: u64, panicked: bool) {
        self.update(id, |listener| {
            listener.busy = false;
            if !listener.acknowledges && !panicked {
                listener.on = listener.told;
            }
        });
    }

    /// False if there is no such listener.
    pub(super) fn acknowledged(&mut self, id: u64, version: u64, accepted: bool) -> bool {
        let update = self.update(id, |listener| {
            listener.acknowledges = true;
            if accepted && let Some(told) = listener.told.filter(|told| told.version == version) {
                listener.on = Some(told);
            }
        });
        update.is_some()
    }

    /// The versions that listeners are behind on past their deadline, and how many are on each that were not
    /// reported yet.
    pub(super) fn take_stale(&mut self, now: Duration, newest: u64, mut report: impl FnMut(u64, usize)) {
        for (version, deadlines) in self.deadlines.range_mut(..newest) {
            let mut count = 0;
            while let Some((_, id)) = deadlines.first().copied().filter(|(deadline, _)| *deadline <= now) {
                deadlines.pop_first();
                count += 1;
                if let Some(listener) = self.all.get_mut(&id) {
                    listener.reported = true;
                }
            }
            if count > 0 {
                report(*version, count);
            }
        }
        self.deadlines.retain(|_, deadlines| !deadlines.is_empty());
    }

    pub(super) fn stale(&self, now: Duration, newest: u64) -> usize {
        self.all.values().filter(|listener| listener.is_stale(newest, now)).count()
    }

    /// The oldest token that a listener's connections are on.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.all.values().filter_map(|listener| listener.on).map(|on| on.version).min()
    }

    /// When something will be due.
    pub(super) fn alarm(&self, newest: u64) -> Option<Duration> {
        let behind = self.deadlines.range(..newest).filter_map(|(_, deadlines)| deadlines.first());
        self.calls.first().into_iter().chain(behind).map(|(at, _)| *at).min()
    }

    /// None if there is no such listener.
    fn update<R>(&mut self, id: u64, change: impl FnOnce(&mut Listener) -> R) -> Option<R> {
        let listener = self.all.get_mut(&id)?;
        let before = (listener.call(), listener.watched());
        let result = change(listener);
        let after = (listener.call(), listener.watched());
        if before != after {
            self.strike(id, before.0, before.1);
            self.enter(id, after.0, after.1);
        }
        Some(result)
    }

    fn enter(&mut self, id: u64, call: Option<Duration>, watched: Option<(u64, Duration)>) {
        self.calls.extend(call.map(|due| (due, id)));
        if let Some((version, deadline)) = watched {
            self.deadlines.entry(version).or_default().insert((deadline, id));
        }
    }

    fn strike(&mut self, id: u64, call: Option<Duration>, watched: Option<(u64, Duration)>) {
        if let Some(due) = call {
            self.calls.remove(&(due, id));
        }
        if let Some((version, deadline)) = watched
            && let Some(deadlines) = self.deadlines.get_mut(&version)
        {
            deadlines.remove(&(deadline, id));
            if deadlines.is_empty() {
                self.deadlines.remove(&version);
            }
        }
    }
}

/// Whether news comes after the margin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Late(pub bool);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn on(version: u64, deadline: u64, spread: u64) -> On {
        On { version, deadline: at(deadline), spread: at(spread) }
    }

    fn due(listeners: &mut Listeners, now: u64) -> Vec<u64> {
        let mut ids = Vec::new();
        listeners.take_due(at(now), |id| ids.push(id));
        ids
    }

    #[test]
    fn each_listener_is_told_once_at_its_own_moment_serially_and_of_the_newest_only() {
        let mut listeners = Listeners::default();
        listeners.add(1, Some(on(1, 1000, 100)), false);
        listeners.add(2, Some(on(1, 1000, 100)), false);
        let mut draws = [0.5, 0.9].into_iter();
        listeners.news(at(0), on(2, 2000, 100), false, &mut || draws.next().unwrap());
        assert_eq!(listeners.alarm(2), Some(at(50)));
        assert_eq!(due(&mut listeners, 60), [1]);
        assert_eq!(listeners.take_news(1, at(60), on(2, 2000, 100)), Some(Late(false)));
        assert_eq!(due(&mut listeners, 95), [2]);
        listeners.news(at(100), on(3, 3000, 100), false, &mut || 0.0);
        assert_eq!(due(&mut listeners, 100), [0; 0], "both are busy");
        listeners.returned(1, false);
        assert_eq!(due(&mut listeners, 100), [1]);
        assert_eq!(listeners.take_news(2, at(101), on(3, 3000, 100)), Some(Late(false)), "latest wins");
        listeners.returned(2, false);
        assert_eq!(due(&mut listeners, 102), [2], "and what it has heard already is not said again");
        assert_eq!(listeners.take_news(2, at(102), on(3, 3000, 100)), None);
    }

    #[test]
    fn the_first_token_is_news_for_who_waits_for_it_only() {
        let mut listeners = Listeners::default();
        listeners.add(1, None, false);
        listeners.add(2, None, true);
        listeners.add(3, Some(on(1, 1000, 100)), true);
        listeners.news(at(10), on(2, 2000, 100), false, &mut || 0.5);
        assert_eq!(due(&mut listeners, 10), [2], "at once");
        assert_eq!(listeners.take_news(1, at(10), on(2, 2000, 100)), None);
        assert_eq!(listeners.take_news(2, at(10), on(2, 2000, 100)), Some(Late(false)));
        listeners.returned(2, false);
        assert_eq!(due(&mut listeners, 10), [0; 0]);
        listeners.news(at(20), on(3, 3000, 100), false, &mut || 0.5);
        assert_eq!(due(&mut listeners, 69), [3], "which had one, at its own moment");
        assert_eq!(due(&mut listeners, 70), [1, 2], "and each of what follows");
    }

    #[test]
    fn past_the_margin_or_after_a_rejection_news_goes_out_at_once() {
        let mut listeners = Listeners::default();
        listeners.add(1, Some(on(1, 1000, 500)), false);
        listeners.news(at(900), on(2, 2000, 500), false, &mut || 1.0);
        assert_eq!(listeners.alarm(2), Some(at(1000)), "inside what is left before the margin");
        let mut listeners = Listeners::default();
        listeners.add(1, Some(on(1, 1000, 500)), false);
        listeners.news(at(1100), on(2, 2000, 500), false, &mut || 1.0);
        assert_eq!(due(&mut listeners, 1100), [1]);
        assert_eq!(listeners.take_news(1, at(1100), on(2, 2000, 500)), Some(Late(true)));
        let mut listeners = Listeners::default();
        listeners.add(1, Some(on(1, 1000, 500)), false);
        listeners.news(at(10), on(2, 2000, 500), true, &mut || 1.0);
        assert_eq!(due(&mut listeners, 10), [1]);
    }

    #[test]
    fn one_that_does_not_come_back_or_does_not_acknowledge_is_stale_and_reported_once() {
        let mut listeners = Listeners::default();
        listeners.add(1, Some(on(1, 1000, 0)), false);
        listeners.news(at(10), on(2, 2000, 0), false, &mut || 0.0);
        assert_eq!(due(&mut listeners, 10), [1]);
        assert!(listeners.take_news(1, at(10), on(2, 2000, 0)).is_some());
        assert_eq!(listeners.alarm(2), Some(at(1000)), "stalled");
        assert_eq!(listeners.stale(at(999), 2), 0);
        let mut reports = 0;
        for _ in 0..3 {
            listeners.take_stale(at(1000), 2, |version, count| reports += version * count as u64);
        }
        assert_eq!((listeners.stale(at(1000), 2), reports, listeners.oldest()), (1, 1, Some(1)));
        listeners.news(at(1500), on(3, 3000, 0), false, &mut || 0.0);
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
        listeners.add(1, Some(on(1, 1000, 100)), false);
        listeners.news(at(0), on(2, 2000, 100), false, &mut || 0.2);
        listeners.news(at(10), on(3, 3000, 100), false, &mut || 0.9);
        assert_eq!(listeners.alarm(3), Some(at(20)), "the earlier moment is kept");
        assert_eq!(due(&mut listeners, 20), [1]);
        // What it is being told of expires sooner than what it was on.
        assert!(listeners.take_news(1, at(20), on(3, 50, 100)).is_some());
        listeners.news(at(30), on(4, 4000, 100), false, &mut || 1.0);
        listeners.returned(1, false);
        assert_eq!(due(&mut listeners, 50), [1]);
    }

    #[test]
    fn those_that_are_stale_together_are_one_report_with_their_number() {
        let mut listeners = Listeners::default();
        (0..1000).for_each(|id| listeners.add(id, Some(on(1 + id % 2, 1000, 0)), false));
        listeners.news(at(10), on(3, 3000, 0), false, &mut || 0.0);
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
        (0..100).for_each(|id| listeners.add(id, Some(on(1, 1000, 100)), false));
        listeners.news(at(0), on(2, 2000, 100), false, &mut || 0.5);
        assert_eq!(due(&mut listeners, 50).len(), 100);
        (0..50).for_each(|id| listeners.returned(id, false));
        assert!((0..100).all(|id| listeners.take_news(id, at(50), on(2, 2000, 100)).is_some()));
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
        (0..MANY).for_each(|id| listeners.add(id, Some(on(1, 1000, 100)), false));
        let mut draws = (0..MANY).map(|id| id as f64 / MANY as f64);
        listeners.news(at(0), on(2, 2000, 100), false, &mut || draws.next().unwrap());
        assert_eq!(listeners.alarm(2), Some(at(0)));
        assert_eq!(due(&mut listeners, 100).len() as u64, MANY);
        for id in 0..MANY {
            assert_eq!(listeners.take_news(id, at(100), on(2, 2000, 100)), Some(Late(false)));
            listeners.returned(id, false);
            assert_eq!(listeners.alarm(2), (id + 1 < MANY).then_some(at(1000)));
        }
        (0..MANY).for_each(|id| listeners.remove(id));
        assert_eq!(listeners.len(), 0);
    }
}
