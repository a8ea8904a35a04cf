//! The data of one node: strings, hashes, lists and sets, with expiry.

pub(super) mod lists;
mod tracking;

use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::sync::Notify;
use tokio::time::Instant;
use tracking::Tracking;

#[derive(Default)]
pub(super) struct Store {
    data: Mutex<Data>,
    /// Wakes the commands that wait for an element of a list.
    pub(super) pushed: Notify,
}

/// The error of a command whose key holds another type of value.
pub(super) const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";

/// With so many watched keys, those that no transaction watches any more are removed.
const MANY_WATCHED: usize = 1000;

#[derive(Default)]
pub(super) struct Data {
    entries: HashMap<Bytes, Entry>,
    /// For each watched key, how often it has been changed; the last transaction that watches it takes the count along.
    watched: HashMap<Bytes, Weak<AtomicU64>>,
    /// The clients that are told of changes.
    pub(super) tracking: Tracking,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) value: Value,
    pub(super) expires: Option<Instant>,
}

#[derive(Debug)]
pub(super) enum Value {
    Text(Bytes),
    Hash(BTreeMap<Bytes, Bytes>),
    List(VecDeque<Bytes>),
    Set(BTreeSet<Bytes>),
}

impl Value {
    /// The name of the type that `TYPE` answers.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "string",
            Self::Hash(_) => "hash",
            Self::List(_) => "list",
            Self::Set(_) => "set",
        }
    }

    /// A key without elements does not exist.
    fn is_empty(&self) -> bool {
        match self {
            Self::Text(_) => false,
            Self::Hash(fields) => fields.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Set(members) => members.is_empty(),
        }
    }
}

impl Store {
    pub(super) fn lock(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Data {
    /// The live entry of a key; one that has expired is removed on the way.
    pub(super) fn get(&mut self, key: &Bytes) -> Option<&Entry> {
        let now = Instant::now;
        match self.entries.get(key).map(|entry| entry.expires.is_some_and(|at| at <= now())) {
            Some(true) => {
                self.tracking.changed(key);
                self.entries.remove(key).and(None)
            }
            Some(false) => self.entries.get(key),
            None => None,
        }
    }

    /// The same, to change it. [`Data::tidy`] follows if elements may have gone.
    pub(super) fn get_mut(&mut self, key: &Bytes) -> Option<&mut Entry> {
        self.get(key)?;
        self.touch(key);
        self.entries.get_mut(key)
    }

    pub(super) fn put(&mut self, key: Bytes, value: Value, expires: Option<Instant>) {
        self.touch(&key);
        self.entries.insert(key, Entry { value, expires });
    }

    pub(super) fn remove(&mut self, key: &Bytes) -> bool {
        let live = self.get(key).is_some();
        if live {
            self.touch(key);
        }
        self.entries.remove(key);
        live
    }

    /// Removes the key if nothing is left in it.
    pub(super) fn tidy(&mut self, key: &Bytes) {
        if self.entries.get(key).is_some_and(|entry| entry.value.is_empty()) {
            self.entries.remove(key);
        }
    }

    pub(super) fn keys(&mut self) -> Vec<Bytes> {
        let now = Instant::now();
        let Self { entries, tracking, .. } = self;
        entries.retain(|key, entry| {
            let lives = entry.expires.is_none_or(|at| at > now);
            if !lives {
                tracking.changed(key);
            }
            lives
        });
        self.entries.keys().cloned().collect()
    }

    pub(super) fn clear(&mut self) {
        for changes in self.watched.values().filter_map(Weak::upgrade) {
            changes.fetch_add(1, Ordering::Relaxed);
        }
        self.entries.clear();
        self.tracking.cleared();
    }

    fn touch(&mut self, key: &Bytes) {
        self.tracking.changed(key);
        match self.watched.get(key).map(Weak::upgrade) {
            Some(Some(changes)) => drop(changes.fetch_add(1, Ordering::Relaxed)),
            Some(None) => drop(self.watched.remove(key)),
            None => (),
        }
    }

    /// Counts the changes of the key, for as long as the returned count is held.
    pub(super) fn watch(&mut self, key: &Bytes) -> Arc<AtomicU64> {
        if self.watched.len() >= MANY_WATCHED {
            self.watched.retain(|_, changes| changes.strong_count() > 0);
        }
        let known = self.watched.get(key).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let changes = Arc::new(AtomicU64::new(0));
            self.watched.insert(key.clone(), Arc::downgrade(&changes));
            changes
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_watches_any_more_is_forgotten() {
        let mut data = Data::default();
        let key = |number: usize| Bytes::from(number.to_string());
        let kept = data.watch(&key(0));
        for number in 1..3 * MANY_WATCHED {
            drop(data.watch(&key(number)));
        }
        assert!(data.watched.len() <= MANY_WATCHED, "{} are left", data.watched.len());
        data.put(key(0), Value::Text(Bytes::new()), None);
        data.clear();
        assert_eq!(kept.load(Ordering::Relaxed), 2);
    }
}
