//! Strings and counters.

use super::super::connection::Connection;
use super::super::reply::{OK, Reply};
use super::super::store::Value;
use super::{NOT_AN_INTEGER, SYNTAX, WRONG_TYPE, integer, owned, text};
use bytes::Bytes;
use std::time::Duration;
use tokio::time::Instant;

pub(super) fn get(connection: &mut Connection, words: &[Bytes]) -> Reply {
    match connection.plane.store.lock().get(&owned(words, 1)).map(|entry| &entry.value) {
        None => Reply::Null,
        Some(Value::Text(text)) => Reply::Bulk(text.clone()),
        Some(Value::Hash(_)) => Reply::error(WRONG_TYPE),
    }
}

pub(super) fn mget(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let mut data = connection.plane.store.lock();
    let values = words.iter().skip(1).map(|key| match data.get(key).map(|entry| &entry.value) {
        Some(Value::Text(text)) => Reply::Bulk(text.clone()),
        _ => Reply::Null,
    });
    Reply::Array(values.collect())
}

/// What follows key and value in SET.
#[derive(Default)]
struct SetOptions {
    expires: Option<Instant>,
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
    let (key, mut data) = (owned(words, 1), connection.plane.store.lock());
    let before = data.get(&key);
    let old = match before.as_ref().map(|entry| &entry.value) {
        Some(Value::Text(text)) => Some(text.clone()),
        Some(Value::Hash(_)) if options.return_old => return Reply::error(WRONG_TYPE),
        _ => None,
    };
    let wanted = match options.only_if {
        Some(Existence::Missing) => before.is_none(),
        Some(Existence::Present) => before.is_some(),
        None => true,
    };
    if wanted {
        let kept = before.and_then(|entry| entry.expires).filter(|_| options.keep_ttl);
        data.put(key, Value::Text(owned(words, 2)), options.expires.or(kept));
    }
    match (options.return_old, wanted) {
        (true, _) => Reply::optional(old),
        (false, true) => OK,
        (false, false) => Reply::Null,
    }
}

fn set_options(words: &[Bytes]) -> Result<SetOptions, Reply> {
    let (mut options, mut index) = (SetOptions::default(), 3);
    while index < words.len() {
        let option = text(words, index).to_ascii_uppercase();
        match option.as_str() {
            "EX" | "PX" if index + 1 < words.len() && options.expires.is_none() => {
                index += 1;
                options.expires = Some(deadline(integer(words, index)?, option == "EX")?);
            }
            "NX" if options.only_if != Some(Existence::Present) => options.only_if = Some(Existence::Missing),
            "XX" if options.only_if != Some(Existence::Missing) => options.only_if = Some(Existence::Present),
            "KEEPTTL" => options.keep_ttl = true,
            "GET" => options.return_old = true,
            _ => return Err(Reply::error(SYNTAX)),
        }
        index += 1;
    }
    if options.keep_ttl && options.expires.is_some() { Err(Reply::error(SYNTAX)) } else { Ok(options) }
}

fn deadline(amount: i64, seconds: bool) -> Result<Instant, Reply> {
    let wait = u64::try_from(amount).ok().filter(|amount| *amount > 0);
    let wait =
        wait.map(|amount| if seconds { Duration::from_secs(amount) } else { Duration::from_millis(amount) });
    wait.and_then(|wait| Instant::now().checked_add(wait))
        .ok_or_else(|| Reply::error("ERR invalid expire time in 'set' command"))
}

pub(super) fn incr(connection: &mut Connection, words: &[Bytes]) -> Reply {
    add(connection, words, 1)
}

pub(super) fn decr(connection: &mut Connection, words: &[Bytes]) -> Reply {
    add(connection, words, -1)
}

pub(super) fn incrby(connection: &mut Connection, words: &[Bytes]) -> Reply {
    match integer(words, 2) {
        Ok(amount) => add(connection, words, amount),
        Err(error) => error,
    }
}

fn add(connection: &Connection, words: &[Bytes], amount: i64) -> Reply {
    let (key, mut data) = (owned(words, 1), connection.plane.store.lock());
    let (now, expires) = match data.get(&key) {
        None => (Some(0), None),
        Some(entry) => match &entry.value {
            Value::Text(text) => {
                (std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()), entry.expires)
            }
            Value::Hash(_) => return Reply::error(WRONG_TYPE),
        },
    };
    let Some(now) = now else { return Reply::error(NOT_AN_INTEGER) };
    let Some(sum) = i64::checked_add(now, amount) else {
        return Reply::error("ERR increment or decrement would overflow");
    };
    data.put(key, Value::Text(sum.to_string().into()), expires);
    Reply::Int(sum)
}
