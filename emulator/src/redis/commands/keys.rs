//! Keys of any type.

use super::super::connection::Connection;
use super::super::glob;
use super::super::reply::{OK, Reply};
use super::{integer, owned, word};
use bytes::Bytes;
use std::time::Duration;
use tokio::time::Instant;

fn count(number: usize) -> Reply {
    Reply::Int(number.try_into().unwrap_or(i64::MAX))
}

pub(super) fn del(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let mut data = connection.plane.store.lock();
    count(words.iter().skip(1).filter(|key| data.remove(key)).count())
}

pub(super) fn exists(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let mut data = connection.plane.store.lock();
    count(words.iter().skip(1).filter(|key| data.get(key).is_some()).count())
}

pub(super) fn expire(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let seconds = match integer(words, 2) {
        Ok(seconds) => u64::try_from(seconds).unwrap_or(0), // the past is now
        Err(error) => return error,
    };
    let mut data = connection.plane.store.lock();
    let Some(entry) = data.get(&owned(words, 1)) else { return Reply::Int(0) };
    entry.expires = Instant::now().checked_add(Duration::from_secs(seconds));
    Reply::Int(1)
}

pub(super) fn ttl(connection: &mut Connection, words: &[Bytes]) -> Reply {
    match connection.plane.store.lock().get(&owned(words, 1)).map(|entry| entry.expires) {
        None => Reply::Int(-2),
        Some(None) => Reply::Int(-1),
        Some(Some(at)) => {
            let left = at.saturating_duration_since(Instant::now());
            Reply::Int(left.as_secs_f64().ceil() as i64)
        }
    }
}

pub(super) fn keys(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let keys = connection.plane.store.lock().keys();
    let found = keys.into_iter().filter(|key| glob::matches(word(words, 1), key));
    Reply::Array(found.map(Reply::Bulk).collect())
}

pub(super) fn dbsize(connection: &mut Connection, _: &[Bytes]) -> Reply {
    count(connection.plane.store.lock().keys().len())
}

pub(super) fn flush(connection: &mut Connection, _: &[Bytes]) -> Reply {
    connection.plane.store.lock().clear();
    OK
}
