//! The same trouble again and again: a log that says it each time says nothing else.

use entrakey_core::is_worth_a_warning;
use std::sync::Mutex;

/// What went wrong last, and how often in a row.
#[derive(Debug, Default)]
pub(super) struct Repeats(Mutex<(String, u64)>);

impl Repeats {
    /// Counts one more. How often that makes, if it is worth a warning: the 1st, the 100th, the 10,000th … in a row.
    pub(super) fn worth_saying(&self, what: &str) -> Option<u64> {
        let mut last = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if last.0 != what {
            *last = (what.to_owned(), 0);
        }
        last.1 += 1;
        Some(last.1).filter(|times| is_worth_a_warning(*times))
    }

    /// It works again.
    pub(super) fn over(&self) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Default::default();
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
}
