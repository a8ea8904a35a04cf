//! Strings and counters.

use super::super::connection::Connection;
use super::super::reply::{OK, Reply};
use super::super::store::WRONG_TYPE;
use super::super::store::{Data, Value};
use super::expiry::{Unit, positive_moment};
use super::refusals::{SYNTAX, wrong_arity};
use super::words::{NOT_AN_INTEGER, count, integer, owned, parsed, text};
use bytes::Bytes;
use std::mem::discriminant;

pub(super) fn get(connection: &mut Connection, words: &[Bytes]) -> Reply {
    match connection.node.store.lock().get(&owned(words, 1)).map(|entry| &entry.value) {
        None => Reply::Null,
        Some(Value::Text(text)) => Reply::Bulk(text.clone()),
        Some(_) => Reply::error(WRONG_TYPE),
    }
}

pub(super) fn mget(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let mut data = connection.node.store.lock();
    let values = words.iter().skip(1).map(|key| match data.get(key).map(|entry| &entry.value) {
        Some(Value::Text(text)) => Reply::Bulk(text.clone()),
        _ => Reply::Null,
    });
    Reply::Array(values.collect())
}

pub(super) fn strlen(connection: &mut Connection, words: &[Bytes]) -> Reply {
    match get(connection, words) {
        Reply::Bulk(text) => count(text.len()),
        Reply::Null => Reply::Int(0),
        error => error,
    }
}

/// What follows key and value in SET.
#[derive(Default)]
struct SetOptions {
    /// The unit, and the place of the number.
    expires: Option<(Unit, usize)>,
    keep_ttl: bool,
    only_if: Option<Existence>,
    return_old: bool,
}

#[derive(PartialEq, Eq)]
enum Existence {
    Missing,
    Present,
}

pub(super) fn set(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let options = match set_options(words) {
        Ok(options) => options,
        Err(error) => return error,
    };
    let expires = options.expires.map(|(unit, place)| positive_moment(connection, words, place, unit));
    let expires = match expires.transpose() {
        Ok(expires) => expires,
        Err(error) => return error,
    };
    let (key, mut data) = (owned(words, 1), connection.node.store.lock());
    let before = data.get(&key);
    let old = match before.as_ref().map(|entry| &entry.value) {
        Some(Value::Text(text)) => Some(text.clone()),
        Some(_) if options.return_old => return Reply::error(WRONG_TYPE),
        _ => None,
    };
    let wanted = match options.only_if {
        Some(Existence::Missing) => before.is_none(),
        Some(Existence::Present) => before.is_some(),
        None => true,
    };
    if wanted {
        let kept = before.and_then(|entry| entry.expires).filter(|_| options.keep_ttl);
        data.put(key, Value::Text(owned(words, 2)), expires.or(kept));
    }
    match (options.return_old, wanted) {
        (true, _) => Reply::optional(old),
        (false, true) => OK,
        (false, false) => Reply::Null,
    }
}

/// The whole is read before the number: what is no option is said first.
fn set_options(words: &[Bytes]) -> Result<SetOptions, Reply> {
    let (mut options, mut index) = (SetOptions::default(), 3);
    while index < words.len() {
        let option = text(words, index).to_ascii_uppercase();
        if let Some(unit) = unit(&option) {
            let another =
                options.expires.is_some_and(|(known, _)| discriminant(&known) != discriminant(&unit));
            index += 1;
            if another || options.keep_ttl || index == words.len() {
                return Err(Reply::error(SYNTAX));
            }
            options.expires = Some((unit, index)); // the same once more is taken: the last one counts
        } else {
            match option.as_str() {
                "NX" if options.only_if != Some(Existence::Present) => {
                    options.only_if = Some(Existence::Missing)
                }
                "XX" if options.only_if != Some(Existence::Missing) => {
                    options.only_if = Some(Existence::Present)
                }
                "KEEPTTL" if options.expires.is_none() => options.keep_ttl = true,
                "GET" => options.return_old = true,
                _ => return Err(Reply::error(SYNTAX)),
            }
        }
        index += 1;
    }
    Ok(options)
}

fn unit(option: &str) -> Option<Unit> {
    Some(match option {
        "EX" => Unit::Seconds,
        "PX" => Unit::Milliseconds,
        "EXAT" => Unit::AtSecond,
        "PXAT" => Unit::AtMillisecond,
        _ => return None,
    })
}

pub(super) fn setnx(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let (key, mut data) = (owned(words, 1), connection.node.store.lock());
    let missing = data.get(&key).is_none();
    if missing {
        data.put(key, Value::Text(owned(words, 2)), None);
    }
    Reply::Int(missing.into())
}

pub(super) fn setex(connection: &mut Connection, words: &[Bytes]) -> Reply {
    set_for(connection, words, Unit::Seconds)
}

pub(super) fn psetex(connection: &mut Connection, words: &[Bytes]) -> Reply {
    set_for(connection, words, Unit::Milliseconds)
}

fn set_for(connection: &Connection, words: &[Bytes], unit: Unit) -> Reply {
    match positive_moment(connection, words, 2, unit) {
        Ok(expires) => {
            connection.node.store.lock().put(owned(words, 1), Value::Text(owned(words, 3)), Some(expires));
            OK
        }
        Err(error) => error,
    }
}

pub(super) fn mset(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let Some((pairs, [])) = words.get(1..).map(|rest| rest.as_chunks::<2>()) else {
        return wrong_arity("mset");
    };
    let mut data = connection.node.store.lock();
    for [key, value] in pairs {
        data.put(key.clone(), Value::Text(value.clone()), None);
    }
    OK
}

/// The text that was there, of which `after` then makes what is there.
fn exchange(connection: &Connection, words: &[Bytes], after: impl FnOnce(&mut Data, Bytes)) -> Reply {
    let (key, mut data) = (owned(words, 1), connection.node.store.lock());
    let old = match data.get(&key).map(|entry| &entry.value) {
        None => Reply::Null,
        Some(Value::Text(text)) => Reply::Bulk(text.clone()),
        Some(_) => return Reply::error(WRONG_TYPE),
    };
    after(&mut data, key);
    old
}

pub(super) fn getset(connection: &mut Connection, words: &[Bytes]) -> Reply {
    exchange(connection, words, |data, key| data.put(key, Value::Text(owned(words, 2)), None))
}

pub(super) fn getdel(connection: &mut Connection, words: &[Bytes]) -> Reply {
    exchange(connection, words, |data, key| _ = data.remove(&key))
}

pub(super) fn append(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let (key, mut data) = (owned(words, 1), connection.node.store.lock());
    let (mut text, expires) = match data.get(&key).map(|entry| (&entry.value, entry.expires)) {
        None => (Vec::new(), None),
        Some((Value::Text(text), expires)) => (text.to_vec(), expires),
        Some(_) => return Reply::error(WRONG_TYPE),
    };
    text.extend_from_slice(&owned(words, 2));
    let length = text.len();
    data.put(key, Value::Text(text.into()), expires);
    count(length)
}

pub(super) fn incr(connection: &mut Connection, words: &[Bytes]) -> Reply {
    add(connection, words, 1)
}

pub(super) fn decr(connection: &mut Connection, words: &[Bytes]) -> Reply {
    add(connection, words, -1)
}

pub(super) fn incrby(connection: &mut Connection, words: &[Bytes]) -> Reply {
    integer(words, 2).map_or_else(|error| error, |amount| add(connection, words, amount))
}

pub(super) fn decrby(connection: &mut Connection, words: &[Bytes]) -> Reply {
    integer(words, 2).map_or_else(
        |error| error,
        |amount| match amount.checked_neg() {
            Some(amount) => add(connection, words, amount),
            None => Reply::error("ERR decrement would overflow"),
        },
    )
}

fn add(connection: &Connection, words: &[Bytes], amount: i64) -> Reply {
    let (key, mut data) = (owned(words, 1), connection.node.store.lock());
    let (now, expires) = match data.get(&key) {
        None => (Some(0), None),
        Some(entry) => match &entry.value {
            Value::Text(text) => (parsed(text), entry.expires),
            _ => return Reply::error(WRONG_TYPE),
        },
    };
    let Some(now) = now else { return Reply::error(NOT_AN_INTEGER) };
    let Some(sum) = i64::checked_add(now, amount) else {
        return Reply::error("ERR increment or decrement would overflow");
    };
    data.put(key, Value::Text(sum.to_string().into()), expires);
    Reply::Int(sum)
}
