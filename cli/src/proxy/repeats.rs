//! The same trouble again and again: a log that says it each time says nothing else.

use entrakey_core::is_worth_a_warning;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// More kinds of trouble do not come in turn. Whoever makes them up as he goes has each said, and no memory.
const MOST: usize = 32;
/// What has not come for so long is said again.
const FORGOTTEN: Duration = Duration::from_secs(3600);

/// What went wrong lately, and how often.
#[derive(Debug, Default)]
pub(super) struct Repeats(Mutex<VecDeque<Trouble>>);

#[derive(Debug)]
struct Trouble {
    what: String,
    times: u64,
    last: Instant,
}

impl Repeats {
    /// Counts one more. How often that makes, if it is worth a warning: the 1st, the 100th, the 10,000th time.
    pub(super) fn worth_saying(&self, what: &str) -> Option<u64> {
        self.count(what, Instant::now())
    }

    fn count(&self, what: &str, now: Instant) -> Option<u64> {
        let mut troubles = self.troubles();
        let found = troubles.iter().position(|trouble| trouble.what == what);
        let known = found.and_then(|at| troubles.remove(at));
        let known = known.filter(|trouble| now.saturating_duration_since(trouble.last) < FORGOTTEN);
        let times = known.map_or(0, |trouble| trouble.times) + 1;
        if troubles.len() >= MOST {
            troubles.pop_front(); // it has not come for longest
        }
        troubles.push_back(Trouble { what: what.to_owned(), times, last: now });
        Some(times).filter(|times| is_worth_a_warning(*times))
    }

    /// It works again.
    pub(super) fn over(&self) {
        self.troubles().clear();
    }

    fn troubles(&self) -> MutexGuard<'_, VecDeque<Trouble>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_the_hundredth_and_another_one() {
        let repeats = Repeats::default();
        let said: Vec<_> = (0..20_000).filter_map(|_| repeats.worth_saying("refused")).collect();
        assert_eq!(said, [1, 100, 10_000]);
        assert_eq!(repeats.worth_saying("timed out"), Some(1));
        repeats.over();
        assert_eq!(repeats.worth_saying("timed out"), Some(1));
    }

    #[test]
    fn troubles_that_come_in_turn_are_counted_each() {
        let repeats = Repeats::default();
        let said = (0..300).filter(|n| repeats.worth_saying(["refused", "timed out"][n % 2]).is_some());
        assert_eq!(said.count(), 4, "each the first and the hundredth time");
    }

    #[test]
    fn what_has_not_come_for_an_hour_is_said_again_and_no_memory_is_kept_for_more_than_a_few() {
        let (repeats, now) = (Repeats::default(), Instant::now());
        assert_eq!((repeats.count("refused", now), repeats.count("refused", now)), (Some(1), None));
        assert_eq!(repeats.count("refused", now + FORGOTTEN), Some(1));
        for number in 0..10_000 {
            repeats.worth_saying(&number.to_string());
        }
        assert_eq!(repeats.troubles().len(), MOST);
    }
}
