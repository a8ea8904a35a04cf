//! Channels, patterns and who listens.

use super::glob;
use super::reply::Reply;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc::UnboundedSender;

/// Delivers what is published to every connection that listens.
#[derive(Default)]
pub(super) struct Hub(Mutex<BTreeMap<u64, Listener>>);

struct Listener {
    channels: BTreeSet<Bytes>,
    patterns: BTreeSet<Bytes>,
    outbox: UnboundedSender<Reply>,
}

/// By name or by pattern.
#[derive(Clone, Copy)]
pub(super) enum Selector {
    Channel,
    Pattern,
}

impl Hub {
    fn listeners(&self) -> MutexGuard<'_, BTreeMap<u64, Listener>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many channels and patterns the connection listens to afterwards.
    pub(super) fn add(&self, id: u64, by: Selector, name: Bytes, outbox: &UnboundedSender<Reply>) -> usize {
        let mut listeners = self.listeners();
        let fresh =
            || Listener { channels: BTreeSet::new(), patterns: BTreeSet::new(), outbox: outbox.clone() };
        let listener = listeners.entry(id).or_insert_with(fresh);
        listener.set(by).insert(name);
        listener.count()
    }

    pub(super) fn remove(&self, id: u64, by: Selector, name: &Bytes) -> usize {
        let mut listeners = self.listeners();
        let Some(listener) = listeners.get_mut(&id) else { return 0 };
        listener.set(by).remove(name);
        listener.count()
    }

    pub(super) fn names(&self, id: u64, by: Selector) -> Vec<Bytes> {
        self.listeners()
            .get_mut(&id)
            .map(|listener| listener.set(by).iter().cloned().collect())
            .unwrap_or_default()
    }

    pub(super) fn forget(&self, id: u64) {
        self.listeners().remove(&id);
    }

    /// How many were told.
    pub(super) fn publish(&self, channel: &Bytes, message: &Bytes) -> usize {
        let mut told = 0;
        let mut send = |listener: &Listener, parts: Vec<Reply>| {
            // A closed outbox is a connection that is just going away.
            told += usize::from(listener.outbox.send(Reply::Push(parts)).is_ok());
        };
        let bulk = |data: &Bytes| Reply::Bulk(data.clone());
        for listener in self.listeners().values() {
            if listener.channels.contains(channel) {
                send(listener, vec![Reply::text("message"), bulk(channel), bulk(message)]);
            }
            for pattern in listener.patterns.iter().filter(|pattern| glob::matches(pattern, channel)) {
                send(listener, vec![Reply::text("pmessage"), bulk(pattern), bulk(channel), bulk(message)]);
            }
        }
        told
    }
}

impl Listener {
    fn set(&mut self, by: Selector) -> &mut BTreeSet<Bytes> {
        match by {
            Selector::Channel => &mut self.channels,
            Selector::Pattern => &mut self.patterns,
        }
    }

    fn count(&self) -> usize {
        self.channels.len() + self.patterns.len()
    }
}
