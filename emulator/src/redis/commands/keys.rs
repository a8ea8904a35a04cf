//! Keys of any type.

use super::super::connection::Connection;
use super::super::glob;
use super::super::reply::{OK, Reply};
use super::{SYNTAX, count, integer, owned, text, word};
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
    expire_after(connection, words, Duration::from_secs)
}

pub(super) fn pexpire(connection: &mut Connection, words: &[Bytes]) -> Reply {
    expire_after(connection, words, Duration::from_millis)
}

fn expire_after(connection: &Connection, words: &[Bytes], time: fn(u64) -> Duration) -> Reply {
    let amount = match integer(words, 2) {
        Ok(amount) => u64::try_from(amount).unwrap_or(0), // the past is now
        Err(error) => return error,
    };
    let mut data = connection.node.store.lock();
    let Some(entry) = data.get_mut(&owned(words, 1)) else { return Reply::Int(0) };
    let (new, now) = (Instant::now().checked_add(time(amount)), entry.expires);
    let wanted = match text(words, 3).to_ascii_uppercase().as_str() {
        "" => true,
        "NX" => now.is_none(),
        "XX" => now.is_some(),
        "GT" => now.is_some_and(|now| new.is_none_or(|new| new > now)),
        "LT" => now.is_none_or(|now| new.is_some_and(|new| new < now)),
        other => return Reply::error(super::one_line(&format!("ERR Unsupported option {other:.128}"))),
    };
    if wanted {
        entry.expires = new;
    }
    Reply::Int(wanted.into())
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
fn matching(connection: &Connection, pattern: &[u8]) -> Reply {
    let keys = connection.node.store.lock().keys();
    Reply::Array(keys.into_iter().filter(|key| glob::matches(pattern, key)).map(Reply::Bulk).collect())
}

pub(super) fn keys(connection: &mut Connection, words: &[Bytes]) -> Reply {
    matching(connection, word(words, 1))
}

/// All of them in one go, whatever COUNT says: it is a hint.
pub(super) fn scan(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let mut pattern: &[u8] = b"*";
    let Some((options, [])) = words.get(2..).map(|rest| rest.as_chunks::<2>()) else {
        return Reply::error(SYNTAX);
    };
    for [name, value] in options {
        match name.to_ascii_uppercase().as_slice() {
            b"MATCH" => pattern = value,
            b"COUNT" | b"TYPE" => (),
            _ => return Reply::error(SYNTAX),
        }
    }
    Reply::Array(vec![Reply::text("0"), matching(connection, pattern)])
}

pub(super) fn dbsize(connection: &mut Connection, _: &[Bytes]) -> Reply {
    count(connection.node.store.lock().keys().len())
}

pub(super) fn flush(connection: &mut Connection, _: &[Bytes]) -> Reply {
    connection.node.store.lock().clear();
    OK
}
