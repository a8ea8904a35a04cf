//! Sets.

use super::super::connection::Connection;
use super::super::reply::Reply;
use super::super::store::WRONG_TYPE;
use super::super::store::{Data, Value};
use super::words::{count, owned};
use bytes::Bytes;
use std::collections::BTreeSet;

/// The set of a key, if there is one; an error if it holds something else.
fn set<'a>(data: &'a mut Data, key: &Bytes) -> Result<Option<&'a BTreeSet<Bytes>>, Reply> {
    match data.get(key).map(|entry| &entry.value) {
        None => Ok(None),
        Some(Value::Set(members)) => Ok(Some(members)),
        Some(_) => Err(Reply::error(WRONG_TYPE)),
    }
}

fn look(
    connection: &Connection,
    words: &[Bytes],
    at: impl FnOnce(Option<&BTreeSet<Bytes>>) -> Reply,
) -> Reply {
    set(&mut connection.node.store.lock(), &owned(words, 1)).map_or_else(|error| error, at)
}

pub(super) fn sadd(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let (key, mut data) = (owned(words, 1), connection.node.store.lock());
    match set(&mut data, &key) {
        Err(error) => return error,
        Ok(Some(_)) => (),
        Ok(None) => data.put(key.clone(), Value::Set(BTreeSet::new()), None),
    }
    let Some(Value::Set(members)) = data.get_mut(&key).map(|entry| &mut entry.value) else {
        return Reply::Int(0);
    };
    count(words.iter().skip(2).filter(|member| members.insert((*member).clone())).count())
}

pub(super) fn srem(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let (key, mut data) = (owned(words, 1), connection.node.store.lock());
    if let Err(error) = set(&mut data, &key) {
        return error;
    }
    let removed = match data.get_mut(&key).map(|entry| &mut entry.value) {
        Some(Value::Set(members)) => words.iter().skip(2).filter(|member| members.remove(*member)).count(),
        _ => 0,
    };
    data.tidy(&key);
    count(removed)
}

pub(super) fn smembers(connection: &mut Connection, words: &[Bytes]) -> Reply {
    look(connection, words, |members| {
        Reply::Set(members.into_iter().flatten().cloned().map(Reply::Bulk).collect())
    })
}

pub(super) fn sunion(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let (mut data, mut all) = (connection.node.store.lock(), BTreeSet::new());
    for key in words.iter().skip(1) {
        match set(&mut data, key) {
            Err(error) => return error,
            Ok(members) => all.extend(members.into_iter().flatten().cloned()),
        }
    }
    Reply::Set(all.into_iter().map(Reply::Bulk).collect())
}

pub(super) fn sismember(connection: &mut Connection, words: &[Bytes]) -> Reply {
    look(connection, words, |members| {
        Reply::Int(members.is_some_and(|members| members.contains(&owned(words, 2))).into())
    })
}

pub(super) fn scard(connection: &mut Connection, words: &[Bytes]) -> Reply {
    look(connection, words, |members| count(members.map_or(0, BTreeSet::len)))
}
