//! The data: strings and hashes, with expiry.

use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

#[derive(Default)]
pub(super) struct Store(Mutex<Data>);

#[derive(Default)]
pub(super) struct Data(HashMap<Bytes, Entry>);

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) value: Value,
    pub(super) expires: Option<Instant>,
}

#[derive(Debug)]
pub(super) enum Value {
    Text(Bytes),
    Hash(BTreeMap<Bytes, Bytes>),
}

impl Store {
    pub(super) fn lock(&self) -> MutexGuard<'_, Data> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Data {
    /// The live entry of a key; one that has expired is removed on the way.
    pub(super) fn get(&mut self, key: &Bytes) -> Option<&mut Entry> {
        let expired = |entry: &Entry| entry.expires.is_some_and(|at| at <= Instant::now());
        if self.0.get(key).is_some_and(expired) {
            self.0.remove(key);
        }
        self.0.get_mut(key)
    }

    pub(super) fn put(&mut self, key: Bytes, value: Value, expires: Option<Instant>) {
        self.0.insert(key, Entry { value, expires });
    }

    pub(super) fn remove(&mut self, key: &Bytes) -> bool {
        let live = self.get(key).is_some();
        self.0.remove(key);
        live
    }

    pub(super) fn keys(&mut self) -> Vec<Bytes> {
        let now = Instant::now();
        self.0.retain(|_, entry| entry.expires.is_none_or(|at| at > now));
        self.0.keys().cloned().collect()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
