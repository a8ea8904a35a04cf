//! A command that waits at the server for longer than its token is good: it is ended with `CLIENT UNBLOCK`, and sent
//! again after the AUTH, with the time that it has left.

use crate::commands::{Clock, Command};
use crate::wire;
use std::borrow::Cow;
use std::time::{Duration, Instant};

/// How a command that was ended so is answered, and nothing else is.
pub(crate) const UNBLOCKED: &[u8] = b"-UNBLOCKED";

/// So much before its token's end a command has to be over, or the AUTH behind it comes too late: for the way there and
/// back, and because the server's clock is another one.
const MARGIN: Duration = Duration::from_secs(2);

/// A command that may wait.
#[derive(Debug)]
pub(crate) struct Block {
    words: Vec<Vec<u8>>,
    timeout_at: usize,
    unit: Unit,
    /// None: for ever.
    timeout: Option<Duration>,
    since: Instant,
    /// Where `XREAD` names a stream and, as `$`, the last entry that it has now.
    newest: Vec<(usize, usize)>,
    pub(crate) release: Release,
}

#[derive(Clone, Copy, Debug)]
enum Unit {
    Seconds,
    Millis,
}

/// Whether it is being ended.
#[derive(Debug)]
pub(crate) enum Release {
    /// Nobody has asked for it.
    No,
    /// It was asked for on another connection. Two things are to come, in any order: what was said there, and what the
    /// command itself is answered.
    Asked { told: Option<UnblockAnswer>, answer: Option<Vec<u8>> },
    /// That has failed, or met nothing: it waits for another occasion.
    Failed,
}

/// What was said on the other connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnblockAnswer {
    /// Whether the command was still waiting, and was ended.
    pub(crate) was_ended: bool,
    /// For each stream that was asked for the id of its last entry.
    pub(crate) newest: Vec<Vec<u8>>,
}

impl Block {
    /// None if it does not wait, or not as far as it can be read: then the server says what is wrong.
    pub(crate) fn of(command: Command, words: Option<&[Cow<'_, [u8]>]>, now: Instant) -> Option<Self> {
        match command {
            Command::Block(clock) => Self::read(clock, words?, now),
            _ => None,
        }
    }

    fn read(clock: Clock, words: &[Cow<'_, [u8]>], now: Instant) -> Option<Self> {
        let last = words.len().checked_sub(1).filter(|last| *last > 0)?;
        let (timeout_at, unit) = match clock {
            Clock::LastSeconds => (last, Unit::Seconds),
            Clock::FirstSeconds => (1, Unit::Seconds),
            Clock::LastMillis => (last, Unit::Millis),
            Clock::Option => (option(words)?, Unit::Millis),
        };
        let timeout = parse(words.get(timeout_at)?, unit)?;
        let newest = if clock == Clock::Option { newest(words) } else { Vec::new() };
        let words = words.iter().map(|word| word.to_vec()).collect();
        let timeout = (!timeout.is_zero()).then_some(timeout);
        Some(Self { words, timeout_at, unit, timeout, since: now, newest, release: Release::No })
    }

    /// Whether it may still be waiting when the server closes a connection whose token is good for so long.
    pub(crate) fn outlasts(&self, left: Duration) -> bool {
        self.timeout.is_none_or(|timeout| timeout.saturating_add(MARGIN) > left)
    }

    /// The streams whose last entry it waits behind.
    pub(crate) fn streams(&self) -> Vec<Vec<u8>> {
        self.newest.iter().filter_map(|(key, _)| self.words.get(*key).cloned()).collect()
    }

    /// The request once more, with the time that is left, behind the entries that were the last ones when it was ended.
    pub(crate) fn again(mut self, now: Instant, newest: Vec<Vec<u8>>) -> (Vec<u8>, Self) {
        if let Some(timeout) = &mut self.timeout {
            let smallest = Duration::from_millis(1); // 0 would be for ever
            *timeout = timeout.saturating_sub(now.duration_since(self.since)).max(smallest);
            let text = match self.unit {
                Unit::Seconds => format!("{:.3}", timeout.as_secs_f64()),
                Unit::Millis => timeout.as_millis().to_string(),
            };
            self.set(self.timeout_at, text.into_bytes());
        }
        for ((_, id_at), id) in std::mem::take(&mut self.newest).into_iter().zip(newest) {
            self.set(id_at, id);
        }
        (self.since, self.release) = (now, Release::No);
        (wire::request(&self.words), self)
    }

    fn set(&mut self, at: usize, text: Vec<u8>) {
        if let Some(word) = self.words.get_mut(at) {
            *word = text;
        }
    }
}

/// As Redis reads it; none if it would not.
fn parse(text: &[u8], unit: Unit) -> Option<Duration> {
    let text = std::str::from_utf8(text).ok()?;
    match unit {
        Unit::Seconds => {
            text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        }
        Unit::Millis => text.parse().ok().map(Duration::from_millis),
    }
}

/// Where the time behind BLOCK stands. A group may be named BLOCK.
fn option(words: &[Cow<'_, [u8]>]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += match words.get(at)?.to_ascii_uppercase().as_slice() {
            b"BLOCK" => return Some(at + 1),
            b"STREAMS" => return None,
            b"GROUP" => 3,
            b"COUNT" => 2,
            _ => 1, // newer servers have more of them
        };
    }
}

/// Where keys and their `$` stand: `… STREAMS key key id id`.
fn newest(words: &[Cow<'_, [u8]>]) -> Vec<(usize, usize)> {
    let Some(streams) = words.iter().position(|word| word.eq_ignore_ascii_case(b"streams")) else {
        return Vec::new();
    };
    let count = (words.len() - streams - 1) / 2;
    let pairs = (streams + 1..=streams + count).map(|key| (key, key + count));
    pairs.filter(|(_, id)| words.get(*id).is_some_and(|id| id.as_ref() == b"$")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(line: &str, now: Instant) -> Option<Block> {
        let words: Vec<Cow<'_, [u8]>> = line.split(' ').map(|word| Cow::Borrowed(word.as_bytes())).collect();
        Block::of(Command::named(&words[0]), Some(&words), now)
    }

    fn line(request: &[u8]) -> String {
        let words = crate::scan::words(request).unwrap();
        words.iter().map(|word| String::from_utf8_lossy(word)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn it_is_sent_again_with_the_time_that_it_has_left_which_is_never_for_ever() {
        let now = Instant::now();
        for (first, later, again) in [
            ("BLPOP q 0", 30, "BLPOP q 0"),
            ("blpop q p 60", 30, "blpop q p 30.000"),
            ("BRPOP q 0.5", 1, "BRPOP q 0.001"),
            ("BLMOVE a b LEFT LEFT 60", 30, "BLMOVE a b LEFT LEFT 30.000"),
            ("BLMPOP 60 1 q LEFT", 30, "BLMPOP 30.000 1 q LEFT"),
            ("WAIT 1 60000", 30, "WAIT 1 30000"),
            ("XREAD COUNT 2 BLOCK 60000 STREAMS s 0-0", 30, "XREAD COUNT 2 BLOCK 30000 STREAMS s 0-0"),
            (
                "XREADGROUP GROUP block c BLOCK 0 STREAMS s >",
                30,
                "XREADGROUP GROUP block c BLOCK 0 STREAMS s >",
            ),
            (
                "XREADGROUP GROUP g c CLAIM 100 BLOCK 0 STREAMS s >",
                30,
                "XREADGROUP GROUP g c CLAIM 100 BLOCK 0 STREAMS s >",
            ),
        ] {
            let (request, block) = block(first, now).unwrap().again(now + Duration::from_secs(later), vec![]);
            assert_eq!((line(&request), block.since), (again.to_owned(), now + Duration::from_secs(later)));
        }
    }

    #[test]
    fn the_last_entry_is_the_one_that_was_the_last_when_it_was_ended() {
        let now = Instant::now();
        let block = block("XREAD BLOCK 0 STREAMS a b c $ 0-0 $", now).unwrap();
        assert_eq!(block.streams(), [b"a", b"c"]);
        let (request, block) = block.again(now, vec![b"5-1".to_vec(), b"0-0".to_vec()]);
        assert_eq!(line(&request), "XREAD BLOCK 0 STREAMS a b c 5-1 0-0 0-0");
        assert!(block.streams().is_empty());
    }

    #[test]
    fn what_ends_shortly_before_its_token_or_later_outlasts_it() {
        let (now, left) = (Instant::now(), Duration::from_secs(60));
        for (line, outlasts) in [
            ("BLPOP q 0", true),
            ("BLPOP q 61", true),
            ("BLPOP q 60", true),
            ("BLPOP q 59", true),
            ("BLPOP q 58", false),
            ("BLPOP q 18446744073709549568", true),
            ("WAIT 1 0", true),
        ] {
            assert_eq!(block(line, now).unwrap().outlasts(left), outlasts, "{line}");
        }
        for line in [
            "BLPOP q x",
            "BLPOP q -1",
            "BLPOP",
            "XREAD STREAMS s 0",
            "XREAD BLOCK",
            "XREAD BLOCK x STREAMS s 0",
        ] {
            assert!(block(line, now).is_none(), "{line}");
        }
    }
}
