//! Lists, and waiting for their elements.

use super::super::blocked::Blocked;
use super::super::connection::Connection;
use super::super::reply::{OK, Reply};
use super::super::store::lists::{Side, change, list, move_one, pop_one, push_all};
use super::refusals::{SYNTAX, wrong_arity};
use super::row::Outcome;
use super::words::{count, integer, owned, word};
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::Duration;

fn push(connection: &Connection, words: &[Bytes], to: Side) -> Reply {
    let pushed =
        push_all(&mut connection.node.store.lock(), &owned(words, 1), words.get(2..).unwrap_or_default(), to);
    connection.node.store.pushed.notify_waiters();
    pushed.map_or_else(|error| error, count)
}

pub(super) fn lpush(connection: &mut Connection, words: &[Bytes]) -> Reply {
    push(connection, words, Side::Left)
}

pub(super) fn rpush(connection: &mut Connection, words: &[Bytes]) -> Reply {
    push(connection, words, Side::Right)
}

/// Without a number one element, with a number an array.
fn pop(connection: &Connection, words: &[Bytes], from: Side) -> Reply {
    let (key, mut data) = (owned(words, 1), connection.node.store.lock());
    if words.len() > 3 {
        return wrong_arity(if from == Side::Left { "lpop" } else { "rpop" });
    }
    if words.len() == 2 {
        return match change(&mut data, &key, |items| pop_one(items, from)) {
            Ok(item) => Reply::optional(item.flatten()),
            Err(error) => error,
        };
    }
    let Ok(number) = integer(words, 2).and_then(|number| usize::try_from(number).map_err(|_| OK)) else {
        return Reply::error("ERR value is out of range, must be positive");
    };
    let popped = change(&mut data, &key, |items| {
        std::iter::from_fn(|| pop_one(items, from)).take(number).map(Reply::Bulk).collect()
    });
    match popped {
        Ok(Some(items)) => Reply::Array(items),
        Ok(None) => Reply::NullArray,
        Err(error) => error,
    }
}

pub(super) fn lpop(connection: &mut Connection, words: &[Bytes]) -> Reply {
    pop(connection, words, Side::Left)
}

pub(super) fn rpop(connection: &mut Connection, words: &[Bytes]) -> Reply {
    pop(connection, words, Side::Right)
}

pub(super) fn llen(connection: &mut Connection, words: &[Bytes]) -> Reply {
    match list(&mut connection.node.store.lock(), &owned(words, 1)) {
        Ok(items) => count(items.map_or(0, VecDeque::len)),
        Err(error) => error,
    }
}

/// Positions count from the end if negative, and stop at both ends: the first, and how many from there.
fn range((first, last): (i64, i64), length: usize) -> (usize, usize) {
    let at = |position: i64| match usize::try_from(position) {
        Ok(position) => position,
        Err(_) => length.saturating_sub(usize::try_from(position.unsigned_abs()).unwrap_or(usize::MAX)),
    };
    let before_start = last < 0 && last.unsigned_abs() > length as u64;
    let end = if before_start { 0 } else { at(last).saturating_add(1).min(length) };
    (at(first), end.saturating_sub(at(first)))
}

/// The two positions of LRANGE and LTRIM, which are read before the key is looked at.
fn positions(words: &[Bytes]) -> Result<(i64, i64), Reply> {
    Ok((integer(words, 2)?, integer(words, 3)?))
}

pub(super) fn lrange(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let mut data = connection.node.store.lock();
    let found = positions(words).and_then(|positions| {
        let items = list(&mut data, &owned(words, 1))?;
        let (first, number) = range(positions, items.map_or(0, VecDeque::len));
        let items = items.into_iter().flatten().skip(first).take(number);
        Ok(Reply::Array(items.cloned().map(Reply::Bulk).collect()))
    });
    found.unwrap_or_else(|error| error)
}

pub(super) fn ltrim(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let trimmed = positions(words).and_then(|positions| {
        change(&mut connection.node.store.lock(), &owned(words, 1), |items| {
            let (first, number) = range(positions, items.len());
            items.drain(..first.min(items.len()));
            items.truncate(number);
        })
    });
    trimmed.map_or_else(|error| error, |_| OK)
}

/// How many to remove: from the left, from the right if negative, all if zero.
pub(super) fn lrem(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let number = match integer(words, 2) {
        Ok(number) => number,
        Err(error) => return error,
    };
    let most =
        if number == 0 { usize::MAX } else { usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX) };
    let removed = change(&mut connection.node.store.lock(), &owned(words, 1), |items| {
        let same =
            items.iter().enumerate().filter(|(_, item)| **item == word(words, 3)).map(|(place, _)| place);
        let mut places: Vec<_> = same.collect();
        if number < 0 {
            places.drain(..places.len().saturating_sub(most));
        } else {
            places.truncate(most);
        }
        places.iter().rev().for_each(|place| drop(items.remove(*place)));
        places.len()
    });
    removed.map_or_else(|error| error, |removed| count(removed.unwrap_or_default()))
}

fn side(words: &[Bytes], index: usize) -> Result<Side, Reply> {
    match word(words, index).to_ascii_uppercase().as_slice() {
        b"LEFT" => Ok(Side::Left),
        b"RIGHT" => Ok(Side::Right),
        _ => Err(Reply::error(SYNTAX)),
    }
}

fn moved(connection: &Connection, words: &[Bytes], from: Side, to: Side) -> Reply {
    let reply = move_one(&mut connection.node.store.lock(), &owned(words, 1), &owned(words, 2), from, to);
    connection.node.store.pushed.notify_waiters();
    reply
}

pub(super) fn lmove(connection: &mut Connection, words: &[Bytes]) -> Reply {
    match (side(words, 3), side(words, 4)) {
        (Ok(from), Ok(to)) => moved(connection, words, from, to),
        (Err(error), _) | (_, Err(error)) => error,
    }
}

pub(super) fn rpoplpush(connection: &mut Connection, words: &[Bytes]) -> Reply {
    moved(connection, words, Side::Right, Side::Left)
}

/// Seconds, also parts of them; zero waits for ever.
fn timeout(words: &[Bytes]) -> Result<Duration, Reply> {
    let text = words.last().and_then(|word| std::str::from_utf8(word).ok()).unwrap_or_default();
    let seconds = text.parse().ok().filter(|seconds: &f64| !seconds.is_nan());
    let seconds = seconds.ok_or_else(|| Reply::error("ERR timeout is not a float or out of range"))?;
    let milliseconds = (seconds * 1000.0).ceil();
    if milliseconds < 0.0 || milliseconds >= i64::MAX as f64 {
        return Err(Reply::error("ERR timeout is negative")); // so it is with redis-server 7.0, which counts over its end
    }
    Ok(Duration::from_millis(milliseconds as u64))
}

/// At once if there is something, or if nothing may wait.
fn now_or_later(connection: &Connection, blocked: Blocked) -> Outcome {
    let reply = blocked.attempt(&mut connection.node.store.lock());
    connection.node.store.pushed.notify_waiters(); // what was moved has come somewhere
    match reply {
        Some(reply) => Outcome::Reply(reply),
        None if connection.transaction.is_executing() => Outcome::Reply(blocked.timeout_reply()),
        None => Outcome::Wait(blocked),
    }
}

fn blocking_pop(connection: &Connection, words: &[Bytes], from: Side) -> Outcome {
    let keys = words.get(1..words.len().saturating_sub(1)).unwrap_or_default().to_vec();
    match timeout(words) {
        Ok(timeout) => now_or_later(connection, Blocked::Pop { keys, from, timeout }),
        Err(error) => Outcome::Reply(error),
    }
}

fn blocking_move(connection: &Connection, words: &[Bytes], from: Side, to: Side) -> Outcome {
    let (source, target) = (owned(words, 1), owned(words, 2));
    match timeout(words) {
        Ok(timeout) => now_or_later(connection, Blocked::Move { source, target, from, to, timeout }),
        Err(error) => Outcome::Reply(error),
    }
}

pub(super) fn blpop(connection: &mut Connection, words: &[Bytes]) -> Outcome {
    blocking_pop(connection, words, Side::Left)
}

pub(super) fn brpop(connection: &mut Connection, words: &[Bytes]) -> Outcome {
    blocking_pop(connection, words, Side::Right)
}

pub(super) fn blmove(connection: &mut Connection, words: &[Bytes]) -> Outcome {
    match (side(words, 3), side(words, 4)) {
        (Ok(from), Ok(to)) => blocking_move(connection, words, from, to),
        (Err(error), _) | (_, Err(error)) => Outcome::Reply(error),
    }
}

pub(super) fn brpoplpush(connection: &mut Connection, words: &[Bytes]) -> Outcome {
    blocking_move(connection, words, Side::Right, Side::Left)
}
