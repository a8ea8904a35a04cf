//! Lists, and waiting for their elements.

use super::super::connection::{Blocked, Connection, End};
use super::super::reply::{OK, Reply};
use super::super::store::{Data, Value};
use super::{Outcome, SYNTAX, WRONG_TYPE, count, integer, owned, word, wrong_arity};
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::Duration;

/// The list of a key, if there is one; an error if it holds something else.
fn list<'a>(data: &'a mut Data, key: &Bytes) -> Result<Option<&'a VecDeque<Bytes>>, Reply> {
    match data.get(key).map(|entry| &entry.value) {
        None => Ok(None),
        Some(Value::List(items)) => Ok(Some(items)),
        Some(_) => Err(Reply::error(WRONG_TYPE)),
    }
}

/// Changes a list; one that becomes empty is gone. None if there is none.
fn change<T>(
    data: &mut Data,
    key: &Bytes,
    by: impl FnOnce(&mut VecDeque<Bytes>) -> T,
) -> Result<Option<T>, Reply> {
    list(data, key)?;
    let changed = match data.get_mut(key).map(|entry| &mut entry.value) {
        Some(Value::List(items)) => Some(by(items)),
        _ => None,
    };
    data.tidy(key);
    Ok(changed)
}

fn push_one(items: &mut VecDeque<Bytes>, item: Bytes, to: End) {
    match to {
        End::Left => items.push_front(item),
        End::Right => items.push_back(item),
    }
}

fn pop_one(items: &mut VecDeque<Bytes>, from: End) -> Option<Bytes> {
    match from {
        End::Left => items.pop_front(),
        End::Right => items.pop_back(),
    }
}

/// The new length.
fn push_all(data: &mut Data, key: &Bytes, new: &[Bytes], to: End) -> Result<usize, Reply> {
    if list(data, key)?.is_none() {
        data.put(key.clone(), Value::List(VecDeque::new()), None);
    }
    let length = change(data, key, |items| {
        new.iter().for_each(|item| push_one(items, item.clone(), to));
        items.len()
    })?;
    Ok(length.unwrap_or_default())
}

fn push(connection: &Connection, words: &[Bytes], to: End) -> Reply {
    let pushed =
        push_all(&mut connection.node.store.lock(), &owned(words, 1), words.get(2..).unwrap_or_default(), to);
    connection.node.store.pushed.notify_waiters();
    pushed.map_or_else(|error| error, count)
}

pub(super) fn lpush(connection: &mut Connection, words: &[Bytes]) -> Reply {
    push(connection, words, End::Left)
}

pub(super) fn rpush(connection: &mut Connection, words: &[Bytes]) -> Reply {
    push(connection, words, End::Right)
}

/// Without a number one element, with a number an array.
fn pop(connection: &Connection, words: &[Bytes], from: End) -> Reply {
    let (key, mut data) = (owned(words, 1), connection.node.store.lock());
    if words.len() > 3 {
        return wrong_arity(if from == End::Left { "lpop" } else { "rpop" });
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
    pop(connection, words, End::Left)
}

pub(super) fn rpop(connection: &mut Connection, words: &[Bytes]) -> Reply {
    pop(connection, words, End::Right)
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

/// They are read before the key is looked at.
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

/// Moves one element; null if there is none.
pub(in crate::redis) fn move_one(
    data: &mut Data,
    source: &Bytes,
    target: &Bytes,
    from: End,
    to: End,
) -> Reply {
    // Of what is not there nothing is asked of the target.
    match list(data, source) {
        Ok(None) => return Reply::Null,
        Err(error) => return error,
        Ok(Some(_)) => (),
    }
    if let Err(error) = list(data, target) {
        return error;
    }
    match change(data, source, |items| pop_one(items, from)) {
        Ok(Some(Some(item))) => match push_all(data, target, std::slice::from_ref(&item), to) {
            Ok(_) => Reply::Bulk(item),
            Err(error) => error,
        },
        Ok(_) => Reply::Null,
        Err(error) => error,
    }
}

/// The first key that has an element, and the element.
pub(in crate::redis) fn pop_first(data: &mut Data, keys: &[Bytes], from: End) -> Option<Reply> {
    keys.iter().find_map(|key| match change(data, key, |items| pop_one(items, from)) {
        Ok(item) => Some(Reply::Array(vec![Reply::Bulk(key.clone()), Reply::Bulk(item??)])),
        Err(error) => Some(error),
    })
}

fn end(words: &[Bytes], index: usize) -> Result<End, Reply> {
    match word(words, index).to_ascii_uppercase().as_slice() {
        b"LEFT" => Ok(End::Left),
        b"RIGHT" => Ok(End::Right),
        _ => Err(Reply::error(SYNTAX)),
    }
}

fn moved(connection: &Connection, words: &[Bytes], from: End, to: End) -> Reply {
    let reply = move_one(&mut connection.node.store.lock(), &owned(words, 1), &owned(words, 2), from, to);
    connection.node.store.pushed.notify_waiters();
    reply
}

pub(super) fn lmove(connection: &mut Connection, words: &[Bytes]) -> Reply {
    match (end(words, 3), end(words, 4)) {
        (Ok(from), Ok(to)) => moved(connection, words, from, to),
        (Err(error), _) | (_, Err(error)) => error,
    }
}

pub(super) fn rpoplpush(connection: &mut Connection, words: &[Bytes]) -> Reply {
    moved(connection, words, End::Right, End::Left)
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
    let reply = blocked.look(&mut connection.node.store.lock());
    connection.node.store.pushed.notify_waiters(); // what was moved has come somewhere
    match reply {
        Some(reply) => Outcome::Reply(reply),
        None if connection.transaction.is_executing() => Outcome::Reply(blocked.nothing()),
        None => Outcome::Wait(blocked),
    }
}

fn blocking_pop(connection: &Connection, words: &[Bytes], from: End) -> Outcome {
    let keys = words.get(1..words.len().saturating_sub(1)).unwrap_or_default().to_vec();
    match timeout(words) {
        Ok(timeout) => now_or_later(connection, Blocked::Pop { keys, from, timeout }),
        Err(error) => Outcome::Reply(error),
    }
}

fn blocking_move(connection: &Connection, words: &[Bytes], from: End, to: End) -> Outcome {
    let (source, target) = (owned(words, 1), owned(words, 2));
    match timeout(words) {
        Ok(timeout) => now_or_later(connection, Blocked::Move { source, target, from, to, timeout }),
        Err(error) => Outcome::Reply(error),
    }
}

pub(super) fn blpop(connection: &mut Connection, words: &[Bytes]) -> Outcome {
    blocking_pop(connection, words, End::Left)
}

pub(super) fn brpop(connection: &mut Connection, words: &[Bytes]) -> Outcome {
    blocking_pop(connection, words, End::Right)
}

pub(super) fn blmove(connection: &mut Connection, words: &[Bytes]) -> Outcome {
    match (end(words, 3), end(words, 4)) {
        (Ok(from), Ok(to)) => blocking_move(connection, words, from, to),
        (Err(error), _) | (_, Err(error)) => Outcome::Reply(error),
    }
}

pub(super) fn brpoplpush(connection: &mut Connection, words: &[Bytes]) -> Outcome {
    blocking_move(connection, words, End::Right, End::Left)
}
