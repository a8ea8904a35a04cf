//! Keys of any type.

use super::super::connection::Connection;
use super::super::glob;
use super::super::reply::{OK, Reply};
use super::super::store::Data;
use super::expiry::{Unit, moment};
use super::refusals::{SYNTAX, one_line, shown};
use super::words::{count, integer, owned, word};
use bytes::Bytes;
use std::time::Duration;
use tokio::time::Instant;

pub(super) fn del(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let mut data = connection.node.store.lock();
    count(words.iter().skip(1).filter(|key| data.remove(key)).count())
}

pub(super) fn exists(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let mut data = connection.node.store.lock();
    count(words.iter().skip(1).filter(|key| data.get(key).is_some()).count())
}

pub(super) fn type_of(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let mut data = connection.node.store.lock();
    Reply::Simple(data.get(&owned(words, 1)).map_or("none", |entry| entry.value.type_name()))
}

pub(super) fn expire(connection: &mut Connection, words: &[Bytes]) -> Reply {
    expire_in(connection, words, Unit::Seconds).unwrap_or_else(|error| error)
}

pub(super) fn pexpire(connection: &mut Connection, words: &[Bytes]) -> Reply {
    expire_in(connection, words, Unit::Milliseconds).unwrap_or_else(|error| error)
}

/// When EXPIRE is to change something.
#[derive(Default)]
struct ExpireOptions {
    if_none: bool,
    if_any: bool,
    if_later: bool,
    if_sooner: bool,
}

fn expire_options(words: &[Bytes]) -> Result<ExpireOptions, Reply> {
    let mut options = ExpireOptions::default();
    for option in words.iter().skip(3) {
        match option.to_ascii_uppercase().as_slice() {
            b"NX" => options.if_none = true,
            b"XX" => options.if_any = true,
            b"GT" => options.if_later = true,
            b"LT" => options.if_sooner = true,
            _ => return Err(Reply::error(one_line(&format!("ERR Unsupported option {}", shown(option))))),
        }
    }
    let ExpireOptions { if_none, if_any, if_later, if_sooner } = options;
    if if_none && (if_any || if_later || if_sooner) {
        return Err(Reply::error("ERR NX and XX, GT or LT options at the same time are not compatible"));
    }
    if if_later && if_sooner {
        return Err(Reply::error("ERR GT and LT options at the same time are not compatible"));
    }
    Ok(options)
}

fn expire_in(connection: &Connection, words: &[Bytes], unit: Unit) -> Result<Reply, Reply> {
    let options = expire_options(words)?;
    let new = moment(connection, words, 2, unit)?;
    let mut data = connection.node.store.lock();
    let Some(entry) = data.get_mut(&owned(words, 1)) else { return Ok(Reply::Int(0)) };
    let now = entry.expires;
    let wanted = !(options.if_none && now.is_some()
        || options.if_any && now.is_none()
        || options.if_later && now.is_none_or(|now| new <= now)
        || options.if_sooner && now.is_some_and(|now| new >= now));
    if wanted {
        entry.expires = Some(new);
    }
    Ok(Reply::Int(wanted.into()))
}

pub(super) fn persist(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let mut data = connection.node.store.lock();
    Reply::Int(data.get_mut(&owned(words, 1)).is_some_and(|entry| entry.expires.take().is_some()).into())
}

pub(super) fn ttl(connection: &mut Connection, words: &[Bytes]) -> Reply {
    left(connection, words, |left| left.as_secs_f64().ceil() as i64)
}

pub(super) fn pttl(connection: &mut Connection, words: &[Bytes]) -> Reply {
    left(connection, words, |left| i64::try_from(left.as_millis()).unwrap_or(i64::MAX))
}

fn left(connection: &Connection, words: &[Bytes], number: fn(Duration) -> i64) -> Reply {
    match connection.node.store.lock().get(&owned(words, 1)).map(|entry| entry.expires) {
        None => Reply::Int(-2),
        Some(None) => Reply::Int(-1),
        Some(Some(at)) => Reply::Int(number(at.saturating_duration_since(Instant::now()))),
    }
}

/// The keys of this node that match, as replies.
fn matching(connection: &Connection, pattern: &[u8], kind: Option<&[u8]>) -> Reply {
    let mut data = connection.node.store.lock();
    let mut keys = data.keys();
    keys.retain(|key| {
        let fits = |kind: &[u8], data: &mut Data| {
            data.get(key).is_some_and(|entry| entry.value.type_name().as_bytes().eq_ignore_ascii_case(kind))
        };
        glob::matches(pattern, key) && kind.is_none_or(|kind| fits(kind, &mut data))
    });
    Reply::Array(keys.into_iter().map(Reply::Bulk).collect())
}

pub(super) fn keys(connection: &mut Connection, words: &[Bytes]) -> Reply {
    matching(connection, word(words, 1), None)
}

/// All of them in one go, whatever COUNT says: it is a hint.
pub(super) fn scan(connection: &mut Connection, words: &[Bytes]) -> Reply {
    if !is_cursor(word(words, 1)) {
        return Reply::error("ERR invalid cursor");
    }
    let (mut pattern, mut kind): (&[u8], Option<&[u8]>) = (b"*", None);
    for place in (2..words.len()).step_by(2) {
        let Some(value) = words.get(place + 1) else { return Reply::error(SYNTAX) };
        match word(words, place).to_ascii_uppercase().as_slice() {
            b"MATCH" => pattern = value,
            b"TYPE" => kind = Some(value),
            b"COUNT" => match integer(words, place + 1) {
                Ok(1..) => (),
                Ok(_) => return Reply::error(SYNTAX),
                Err(error) => return error,
            },
            _ => return Reply::error(SYNTAX),
        }
    }
    Reply::Array(vec![Reply::text("0"), matching(connection, pattern, kind)])
}

/// As C's `strtoul` reads numbers, which takes nothing for zero, and a sign.
fn is_cursor(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"+").or_else(|| text.strip_prefix(b"-")).unwrap_or(text);
    let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<u64>().ok());
    text.is_empty() || digits.first().is_some_and(u8::is_ascii_digit) && number.is_some()
}

pub(super) fn dbsize(connection: &mut Connection, _: &[Bytes]) -> Reply {
    count(connection.node.store.lock().keys().len())
}

pub(super) fn flush(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let how = word(words, 1).to_ascii_uppercase();
    if words.len() > 2 || words.len() == 2 && how != b"ASYNC" && how != b"SYNC" {
        return Reply::error(SYNTAX);
    }
    connection.node.store.lock().clear();
    OK
}
