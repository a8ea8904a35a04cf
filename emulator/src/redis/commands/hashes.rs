//! Hashes.

use super::super::connection::Connection;
use super::super::reply::{OK, Reply};
use super::super::store::WRONG_TYPE;
use super::super::store::{Data, Value};
use super::refusals::wrong_arity;
use super::words::{count, integer, owned, parsed, text};
use bytes::Bytes;
use std::collections::BTreeMap;

type Fields = BTreeMap<Bytes, Bytes>;

/// The hash of a key, if there is one; an error if it holds something else.
fn hash<'a>(data: &'a mut Data, key: &Bytes) -> Result<Option<&'a Fields>, Reply> {
    match data.get(key).map(|entry| &entry.value) {
        None => Ok(None),
        Some(Value::Hash(fields)) => Ok(Some(fields)),
        Some(_) => Err(Reply::error(WRONG_TYPE)),
    }
}

fn look(connection: &Connection, words: &[Bytes], at: impl FnOnce(Option<&Fields>) -> Reply) -> Reply {
    hash(&mut connection.node.store.lock(), &owned(words, 1)).map_or_else(|error| error, at)
}

/// Changes the hash, which is made if it is not there and gone if nothing is left.
fn change(connection: &Connection, words: &[Bytes], by: impl FnOnce(&mut Fields) -> Reply) -> Reply {
    let (key, mut data) = (owned(words, 1), connection.node.store.lock());
    match hash(&mut data, &key) {
        Err(error) => return error,
        Ok(Some(_)) => (),
        Ok(None) => data.put(key.clone(), Value::Hash(Fields::new()), None),
    }
    let reply = match data.get_mut(&key).map(|entry| &mut entry.value) {
        Some(Value::Hash(fields)) => by(fields),
        _ => Reply::error(WRONG_TYPE),
    };
    data.tidy(&key);
    reply
}

pub(super) fn hset(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let Some((pairs, [])) = words.get(2..).map(|rest| rest.as_chunks::<2>()) else {
        return wrong_arity(&text(words, 0).to_ascii_lowercase());
    };
    change(connection, words, |fields| {
        let added =
            pairs.iter().filter(|[field, value]| fields.insert(field.clone(), value.clone()).is_none());
        count(added.count())
    })
}

pub(super) fn hmset(connection: &mut Connection, words: &[Bytes]) -> Reply {
    match hset(connection, words) {
        Reply::Int(_) => OK,
        error => error,
    }
}

pub(super) fn hincrby(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let amount = match integer(words, 3) {
        Ok(amount) => amount,
        Err(error) => return error,
    };
    change(connection, words, |fields| {
        let value = fields.get(&owned(words, 2)).map_or(Some(0), |value| parsed(value));
        let Some(value) = value else { return Reply::error("ERR hash value is not an integer") };
        let Some(sum) = i64::checked_add(value, amount) else {
            return Reply::error("ERR increment or decrement would overflow");
        };
        fields.insert(owned(words, 2), sum.to_string().into());
        Reply::Int(sum)
    })
}

pub(super) fn hdel(connection: &mut Connection, words: &[Bytes]) -> Reply {
    change(connection, words, |fields| {
        count(words.iter().skip(2).filter(|field| fields.remove(*field).is_some()).count())
    })
}

fn field(fields: Option<&Fields>, name: &Bytes) -> Reply {
    Reply::optional(fields.and_then(|fields| fields.get(name).cloned()))
}

pub(super) fn hget(connection: &mut Connection, words: &[Bytes]) -> Reply {
    look(connection, words, |fields| field(fields, &owned(words, 2)))
}

pub(super) fn hmget(connection: &mut Connection, words: &[Bytes]) -> Reply {
    look(connection, words, |fields| {
        Reply::Array(words.iter().skip(2).map(|name| field(fields, name)).collect())
    })
}

pub(super) fn hexists(connection: &mut Connection, words: &[Bytes]) -> Reply {
    look(connection, words, |fields| {
        Reply::Int(fields.is_some_and(|fields| fields.contains_key(&owned(words, 2))).into())
    })
}

pub(super) fn hlen(connection: &mut Connection, words: &[Bytes]) -> Reply {
    look(connection, words, |fields| count(fields.map_or(0, BTreeMap::len)))
}

pub(super) fn hkeys(connection: &mut Connection, words: &[Bytes]) -> Reply {
    look(connection, words, |fields| {
        Reply::Array(fields.into_iter().flatten().map(|(name, _)| Reply::Bulk(name.clone())).collect())
    })
}

pub(super) fn hvals(connection: &mut Connection, words: &[Bytes]) -> Reply {
    look(connection, words, |fields| {
        Reply::Array(fields.into_iter().flatten().map(|(_, value)| Reply::Bulk(value.clone())).collect())
    })
}

pub(super) fn hgetall(connection: &mut Connection, words: &[Bytes]) -> Reply {
    look(connection, words, |fields| {
        let pairs = fields.into_iter().flatten();
        Reply::Map(
            pairs.map(|(name, value)| (Reply::Bulk(name.clone()), Reply::Bulk(value.clone()))).collect(),
        )
    })
}
