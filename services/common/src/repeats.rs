//! The same trouble again and again: a log that says it each time says nothing else. Nor does one that says a thousand
//! different ones a minute.

use crate::log::Field;
use crate::{Log, Severity};
use entrakey_core::is_worth_a_warning;
use std::collections::VecDeque;
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// So many texts are remembered, and so many are said in a minute: more kinds of trouble do not come in turn. Whoever makes
/// them up as he goes fills neither memory nor log.
const MOST: usize = 32;
const MINUTE: Duration = Duration::from_secs(60);
/// What has not come for so long is said again.
const FORGOTTEN: Duration = Duration::from_secs(3600);

/// What went wrong lately, and how often. Clones share it.
#[derive(Clone, Default, Debug)]
pub struct Repeats(Arc<Mutex<Lately>>);

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// It is said. It has come so often, the 1st, the 100th or the 10,000th time.
    Said {
        /// How often that makes.
        times: u64,
    },
    /// The same was said before.
    Repeated,
    /// It would be said, but too many others were in this minute.
    LeftOut,
    /// So would this one, which is the first of them: somebody has to tell of them ([`Repeats::left_out`]).
    FirstLeftOut,
}

#[derive(Debug, Default)]
struct Lately {
    troubles: VecDeque<Trouble>,
    minute: Option<Minute>,
}

#[derive(Debug)]
struct Trouble {
    what: String,
    times: u64,
    last: Instant,
}

#[derive(Debug)]
struct Minute {
    end: Instant,
    said: usize,
    left_out: u64,
}

impl Repeats {
    /// One more has come.
    #[must_use]
    pub fn count(&self, what: &str) -> Message {
        let (mut lately, now) = (self.lately(), Instant::now());
        let times = lately.times(what, now);
        match is_worth_a_warning(times) {
            true => lately.fit_in(times, now),
            false => Message::Repeated,
        }
    }

    /// Counts what clients make happen, who come again and again: it is a warning the first time that `key` comes. Who
    /// chooses the words of `what` had better not choose the key too, or he fills the minute. `about` is in the line that
    /// tells of those that were left out too. To be called in a runtime.
    pub fn warn(
        &self,
        log: &Log,
        key: &str,
        what: impl Display,
        about: (&'static str, &str),
        more: &[Field<'_>],
    ) {
        let (name, value) = about;
        let fields: Vec<Field<'_>> =
            std::iter::once((name, &value as &dyn Display)).chain(more.iter().copied()).collect();
        match self.count(key) {
            Message::Said { times: 1 } => log.line(Severity::Warning, what, &fields),
            Message::Said { times } => {
                log.line(Severity::Warning, format_args!("{what} ({times} times)"), &fields);
            }
            Message::Repeated | Message::LeftOut => log.line(Severity::Debug, what, &fields),
            Message::FirstLeftOut => {
                log.line(Severity::Debug, what, &fields);
                let (repeats, log, value) = (self.clone(), log.clone(), value.to_owned());
                tokio::spawn(async move {
                    let count = repeats.left_out().await;
                    let what = format_args!(
                        "{count} other messages like these were left out of the last minute (--debug-logs has all)"
                    );
                    log.line(Severity::Warning, what, &[(name, &value)]);
                });
            }
        }
    }

    /// Waits for the minute to be over. How many messages were left out in it.
    pub async fn left_out(&self) -> u64 {
        let end = self.lately().minute.as_ref().map(|minute| minute.end);
        if let Some(end) = end {
            sleep_until(end).await;
        }
        self.lately().minute.take().map_or(0, |minute| minute.left_out)
    }

    /// It works again.
    pub fn over(&self) {
        self.lately().troubles.clear();
    }

    fn lately(&self) -> MutexGuard<'_, Lately> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lately {
    fn times(&mut self, what: &str, now: Instant) -> u64 {
        let found = self.troubles.iter().position(|trouble| trouble.what == what);
        let known = found.and_then(|at| self.troubles.remove(at));
        let known = known.filter(|trouble| now.saturating_duration_since(trouble.last) < FORGOTTEN);
        let times = known.map_or(0, |trouble| trouble.times) + 1;
        if self.troubles.len() >= MOST {
            self.troubles.pop_front(); // it has not come for longest
        }
        self.troubles.push_back(Trouble { what: what.to_owned(), times, last: now });
        times
    }

    fn fit_in(&mut self, times: u64, now: Instant) -> Message {
        // One that has left something out ends when that has been told.
        let is_over = |minute: &Minute| minute.left_out == 0 && minute.end <= now;
        self.minute.take_if(|minute| is_over(minute));
        let minute = self.minute.get_or_insert(Minute { end: now + MINUTE, said: 0, left_out: 0 });
        if minute.said < MOST {
            minute.said += 1;
            return Message::Said { times };
        }
        minute.left_out += 1;
        if minute.left_out == 1 { Message::FirstLeftOut } else { Message::LeftOut }
    }
}

#[cfg(test)]
mod tests {
    use super::Message::{FirstLeftOut, LeftOut, Repeated, Said};
    use super::*;
    use tokio::time::advance;

    #[test]
    fn the_first_the_hundredth_and_another_one() {
        let repeats = Repeats::default();
        let all: Vec<_> = (0..20_000).map(|_| repeats.count("refused")).collect();
        let said: Vec<_> = all.iter().filter(|message| **message != Repeated).collect();
        assert_eq!(said, [&Said { times: 1 }, &Said { times: 100 }, &Said { times: 10_000 }]);
        assert_eq!(repeats.count("timed out"), Said { times: 1 });
        repeats.over();
        assert_eq!(repeats.count("timed out"), Said { times: 1 });
    }

    #[test]
    fn troubles_that_come_in_turn_are_counted_each() {
        let repeats = Repeats::default();
        let said = (0..300).filter(|n| repeats.count(["refused", "timed out"][n % 2]) != Repeated);
        assert_eq!(said.count(), 4, "each the first and the hundredth time");
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_not_come_for_an_hour_is_said_again() {
        let repeats = Repeats::default();
        assert_eq!((repeats.count("refused"), repeats.count("refused")), (Said { times: 1 }, Repeated));
        advance(FORGOTTEN).await;
        assert_eq!(repeats.count("refused"), Said { times: 1 });
    }

    #[tokio::test(start_paused = true)]
    async fn of_ten_thousand_texts_a_minute_a_few_are_said_and_kept_and_the_others_counted() {
        let (repeats, start) = (Repeats::default(), Instant::now());
        for round in 1..=2 {
            let all: Vec<_> = (0..10_000).map(|n| repeats.count(&format!("{round} {n}"))).collect();
            let of = |kind: Message| all.iter().filter(|message| **message == kind).count();
            assert_eq!((of(Said { times: 1 }), of(FirstLeftOut), of(LeftOut)), (32, 1, 9_967));
            assert_eq!(repeats.lately().troubles.len(), MOST);
            assert_eq!(repeats.left_out().await, 9_968);
            assert_eq!(start.elapsed(), MINUTE * round);
        }
        for n in 0..MOST {
            assert_eq!(repeats.count(&format!("3 {n}")), Said { times: 1 });
        }
        advance(MINUTE).await;
        assert_eq!(repeats.count("another"), Said { times: 1 }, "nothing was left out of that minute");
    }
}
