//! Hashes.

use super::super::connection::Connection;
use super::super::reply::Reply;
use super::super::store::{Data, Value};
use super::{WRONG_TYPE, owned, wrong_arity};
use bytes::Bytes;
use std::collections::BTreeMap;

/// The hash of a key, if there is one; an error if it holds something else.
fn hash<'a>(data: &'a mut Data, key: &Bytes) -> Result<Option<&'a mut BTreeMap<Bytes, Bytes>>, Reply> {
    match data.get(key).map(|entry| &mut entry.value) {
        None => Ok(None),
        Some(Value::Hash(fields)) => Ok(Some(fields)),
        Some(Value::Text(_)) => Err(Reply::error(WRONG_TYPE)),
    }
}

pub(super) fn hset(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let Some((pairs, [])) = words.get(2..).map(|rest| rest.as_chunks::<2>()) else {
        return wrong_arity("hset");
    };
    let (key, mut data) = (owned(words, 1), connection.plane.store.lock());
    match hash(&mut data, &key) {
        Err(error) => return error,
        Ok(Some(_)) => (),
        Ok(None) => data.put(key.clone(), Value::Hash(BTreeMap::new()), None),
    }
    let Ok(Some(fields)) = hash(&mut data, &key) else { return Reply::Int(0) };
    let added = pairs.iter().filter(|[field, value]| fields.insert(field.clone(), value.clone()).is_none());
    Reply::Int(added.count().try_into().unwrap_or(i64::MAX))
}

pub(super) fn hget(connection: &mut Connection, words: &[Bytes]) -> Reply {
    match hash(&mut connection.plane.store.lock(), &owned(words, 1)) {
        Ok(fields) => Reply::optional(fields.and_then(|fields| fields.get(&owned(words, 2)).cloned())),
        Err(error) => error,
    }
}

pub(super) fn hgetall(connection: &mut Connection, words: &[Bytes]) -> Reply {
    match hash(&mut connection.plane.store.lock(), &owned(words, 1)) {
        Ok(fields) => {
            let pairs = fields.into_iter().flatten();
            Reply::Map(
                pairs
                    .map(|(field, value)| (Reply::Bulk(field.clone()), Reply::Bulk(value.clone())))
                    .collect(),
            )
        }
        Err(error) => error,
    }
}

pub(super) fn hdel(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let (key, mut data) = (owned(words, 1), connection.plane.store.lock());
    let (removed, empty) = match hash(&mut data, &key) {
        Err(error) => return error,
        Ok(None) => return Reply::Int(0),
        Ok(Some(fields)) => {
            let removed = words.iter().skip(2).filter(|field| fields.remove(*field).is_some()).count();
            (removed, fields.is_empty())
        }
    };
    if empty {
        data.remove(&key);
    }
    Reply::Int(removed.try_into().unwrap_or(i64::MAX))
}
