//! Callers that wait for a token.

use super::step::Wish;
use std::time::Duration;

pub(super) struct Waiter {
    pub(super) id: u64,
    pub(super) wish: Wish,
    /// Until when it hopes for something better than the token with little left that there was when it came.
    pub(super) hopes_until: Duration,
}

impl Waiter {
    /// When it has to be looked at, on the boot clock.
    fn alarm(&self, now: Duration) -> Duration {
        if now < self.hopes_until { self.hopes_until.min(self.wish.deadline) } else { self.wish.deadline }
    }
}

/// All of them: thousands may wait, and one more must not cost a walk through all.
#[derive(Default)]
pub(super) struct Waiters {
    all: Vec<Waiter>,
    /// The first of their alarms: an early one may be over already, which only makes them be looked at.
    alarm: Option<Duration>,
}

impl Waiters {
    pub(super) fn push(&mut self, waiter: Waiter, now: Duration) {
        let alarm = waiter.alarm(now);
        self.alarm = Some(self.alarm.map_or(alarm, |first| first.min(alarm)));
        self.all.push(waiter);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// When one has to be looked at, on the boot clock.
    pub(super) fn alarm(&self) -> Option<Duration> {
        self.alarm
    }

    /// Looks at the one that came last: it goes if it is answered. The alarm may then be too early, once.
    pub(super) fn settle_last(&mut self, mut is_answered: impl FnMut(&mut Waiter) -> bool) {
        if self.all.pop_if(|waiter| is_answered(waiter)).is_some() && self.all.is_empty() {
            self.alarm = None;
        }
    }

    /// Looks at all: those that are answered go.
    pub(super) fn settle(&mut self, now: Duration, mut is_answered: impl FnMut(&mut Waiter) -> bool) {
        self.alarm = None;
        let alarm = &mut self.alarm;
        self.all.retain_mut(|waiter| {
            let stays = !is_answered(waiter);
            if stays {
                let at = waiter.alarm(now);
                *alarm = Some(alarm.map_or(at, |first| first.min(at)));
            }
            stays
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::step::DuringOutage;
    use super::*;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn waiter(id: u64, deadline: u64, hopes_until: u64) -> Waiter {
        Waiter {
            id,
            wish: Wish { deadline: at(deadline), during_outage: DuringOutage::Wait, hands_on: false },
            hopes_until: at(hopes_until),
        }
    }

    #[test]
    fn the_alarm_is_that_of_the_first_who_still_waits() {
        let mut waiters = Waiters::default();
        assert_eq!(waiters.alarm(), None);
        waiters.push(waiter(1, 100, 0), at(0));
        waiters.push(waiter(2, 300, 50), at(0));
        waiters.push(waiter(3, 200, 0), at(0));
        assert_eq!(waiters.alarm(), Some(at(50)), "the second hopes until then");
        waiters.settle(at(50), |_| false);
        assert_eq!(waiters.alarm(), Some(at(100)), "and no longer");
        waiters.settle(at(100), |waiter| waiter.id == 1);
        assert_eq!(waiters.alarm(), Some(at(200)));
        waiters.settle_last(|waiter| waiter.id == 2);
        assert_eq!(waiters.alarm(), Some(at(200)), "the last one is the third, and stays");
        waiters.push(waiter(5, 400, 0), at(100));
        waiters.settle_last(|waiter| waiter.id == 5);
        assert_eq!(waiters.alarm(), Some(at(200)), "the last one goes, and others wait");
        waiters.settle(at(200), |_| true);
        assert!(waiters.is_empty() && waiters.alarm().is_none());
        waiters.push(waiter(4, 900, 0), at(300));
        waiters.settle_last(|_| true);
        assert_eq!(waiters.alarm(), None, "nobody waits");
    }
}
