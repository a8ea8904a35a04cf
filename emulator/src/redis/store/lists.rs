//! Lists, as far as more than one command, or one that waits, needs them.

use super::{Data, Value, WRONG_TYPE};
use crate::redis::reply::Reply;
use bytes::Bytes;
use std::collections::VecDeque;

/// Which end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::redis) enum Side {
    Left,
    Right,
}

/// The list of a key, if there is one; an error if it holds something else.
pub(in crate::redis) fn list<'a>(
    data: &'a mut Data,
    key: &Bytes,
) -> Result<Option<&'a VecDeque<Bytes>>, Reply> {
    match data.get(key).map(|entry| &entry.value) {
        None => Ok(None),
        Some(Value::List(items)) => Ok(Some(items)),
        Some(_) => Err(Reply::error(WRONG_TYPE)),
    }
}

/// Changes a list; one that becomes empty is gone. None if there is none.
pub(in crate::redis) fn change<T>(
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

fn push_one(items: &mut VecDeque<Bytes>, item: Bytes, to: Side) {
    match to {
        Side::Left => items.push_front(item),
        Side::Right => items.push_back(item),
    }
}

pub(in crate::redis) fn pop_one(items: &mut VecDeque<Bytes>, from: Side) -> Option<Bytes> {
    match from {
        Side::Left => items.pop_front(),
        Side::Right => items.pop_back(),
    }
}

/// The new length.
pub(in crate::redis) fn push_all(
    data: &mut Data,
    key: &Bytes,
    new: &[Bytes],
    to: Side,
) -> Result<usize, Reply> {
    if list(data, key)?.is_none() {
        data.put(key.clone(), Value::List(VecDeque::new()), None);
    }
    let length = change(data, key, |items| {
        new.iter().for_each(|item| push_one(items, item.clone(), to));
        items.len()
    })?;
    Ok(length.unwrap_or_default())
}

/// Moves one element; null if there is none.
pub(in crate::redis) fn move_one(
    data: &mut Data,
    source: &Bytes,
    target: &Bytes,
    from: Side,
    to: Side,
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
pub(in crate::redis) fn pop_first(data: &mut Data, keys: &[Bytes], from: Side) -> Option<Reply> {
    keys.iter().find_map(|key| match change(data, key, |items| pop_one(items, from)) {
        Ok(item) => Some(Reply::Array(vec![Reply::Bulk(key.clone()), Reply::Bulk(item??)])),
        Err(error) => Some(error),
    })
}
