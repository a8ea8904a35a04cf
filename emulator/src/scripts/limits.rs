//! How much the instance metadata service of one virtual machine answers.
//!
//! 20 requests a second and 5 at a time in the category "identity", the rest with 429:
//! <https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service#rate-limiting>

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const PER_SECOND: usize = 20;
const AT_A_TIME: usize = 5;
const SECOND: Duration = Duration::from_secs(1);

/// Counts by the system's clock, however the emulator's goes: it is the machine that is protected.
#[derive(Debug)]
pub(crate) struct ImdsLimits {
    on: AtomicBool,
    load: Arc<Mutex<Load>>,
}

#[derive(Debug, Default)]
struct Load {
    at_once: usize,
    /// When those of the last second were admitted.
    admitted: VecDeque<Instant>,
}

fn locked(load: &Mutex<Load>) -> MutexGuard<'_, Load> {
    load.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request that was admitted, until it is answered or given up.
#[derive(Debug)]
pub(crate) struct Ticket(Arc<Mutex<Load>>);

impl Drop for Ticket {
    fn drop(&mut self) {
        locked(&self.0).at_once -= 1;
    }
}

/// A request was too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LimitExceeded;

impl ImdsLimits {
    pub(crate) fn new(on: bool) -> Self {
        Self { on: AtomicBool::new(on), load: Arc::default() }
    }

    pub(crate) fn are_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, on: bool) {
        self.on.store(on, Ordering::Relaxed);
    }

    /// Requests that are not admitted do not count.
    pub(crate) fn admit(&self) -> Result<Ticket, LimitExceeded> {
        self.admit_at(Instant::now())
    }

    fn admit_at(&self, now: Instant) -> Result<Ticket, LimitExceeded> {
        let mut load = locked(&self.load);
        while load.admitted.front().is_some_and(|then| now.duration_since(*then) >= SECOND) {
            load.admitted.pop_front();
        }
        if self.are_on() && (load.admitted.len() >= PER_SECOND || load.at_once >= AT_A_TIME) {
            return Err(LimitExceeded);
        }
        load.admitted.push_back(now);
        load.at_once += 1;
        Ok(Ticket(self.load.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_begin_in_a_second_and_the_next_when_it_has_passed() {
        let (limits, start) = (ImdsLimits::new(true), Instant::now());
        let begin = |after: u64| limits.admit_at(start + Duration::from_millis(after)).map(drop);
        for number in 0..20 {
            assert_eq!(begin(number), Ok(()));
        }
        assert_eq!(begin(999), Err(LimitExceeded));
        assert_eq!(begin(1000), Ok(()));
        assert_eq!(begin(1000), Err(LimitExceeded), "the second one began a millisecond later");
        assert_eq!(begin(1001), Ok(()));
    }

    #[test]
    fn five_are_answered_at_a_time_and_none_is_counted_without_limits() {
        let limits = ImdsLimits::new(true);
        let mut open: Vec<_> = (0..5).map(|_| limits.admit().unwrap()).collect();
        assert_eq!(limits.admit().map(drop), Err(LimitExceeded));
        open.pop();
        open.push(limits.admit().unwrap());
        limits.set(false);
        open.extend((0..100).map(|_| limits.admit().unwrap()));
        limits.set(true);
        assert_eq!(limits.admit().map(drop), Err(LimitExceeded));
    }
}
