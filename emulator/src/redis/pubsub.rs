//! Channels, patterns and who listens.

use super::glob;
use super::reply::Reply;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc::UnboundedSender;

/// Delivers what is published to every connection that listens, whichever node serves it.
#[derive(Default)]
pub(super) struct Hub(Mutex<BTreeMap<u64, Listener>>);

struct Listener {
    names: [BTreeSet<Bytes>; 3],
    outbox: UnboundedSender<Reply>,
}

/// By name, by pattern, or by the name of a channel that belongs to a slot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Selector {
    Channel,
    Pattern,
    ShardChannel,
}

/// To how many channels and patterns a connection listens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Subscribed {
    pub(super) channels: usize,
    pub(super) patterns: usize,
    pub(super) shard_channels: usize,
}

impl Subscribed {
    pub(super) fn any(self) -> bool {
        self.channels + self.patterns + self.shard_channels > 0
    }

    /// As a confirmation has it: channels of slots are counted by themselves.
    pub(super) fn counted_with(self, by: Selector) -> usize {
        match by {
            Selector::ShardChannel => self.shard_channels,
            _ => self.channels + self.patterns,
        }
    }
}

impl Hub {
    fn listeners(&self) -> MutexGuard<'_, BTreeMap<u64, Listener>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(
        &self,
        id: u64,
        by: Selector,
        name: Bytes,
        outbox: &UnboundedSender<Reply>,
    ) -> Subscribed {
        let mut listeners = self.listeners();
        let fresh = || Listener { names: Default::default(), outbox: outbox.clone() };
        let listener = listeners.entry(id).or_insert_with(fresh);
        listener.set(by).insert(name);
        listener.count()
    }

    pub(super) fn remove(&self, id: u64, by: Selector, name: &Bytes) -> Subscribed {
        let mut listeners = self.listeners();
        let Some(listener) = listeners.get_mut(&id) else { return Subscribed::default() };
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
        let bulk = |data: &Bytes| Reply::Bulk(data.clone());
        for listener in self.listeners().values() {
            let [channels, patterns, _] = &listener.names;
            if channels.contains(channel) {
                told += listener.send(vec![Reply::text("message"), bulk(channel), bulk(message)]);
            }
            for pattern in patterns.iter().filter(|pattern| glob::matches(pattern, channel)) {
                told +=
                    listener.send(vec![Reply::text("pmessage"), bulk(pattern), bulk(channel), bulk(message)]);
            }
        }
        told
    }

    /// The same for a channel that belongs to a slot.
    pub(super) fn publish_to_shard(&self, channel: &Bytes, message: &Bytes) -> usize {
        let bulk = |data: &Bytes| Reply::Bulk(data.clone());
        let listeners = self.listeners();
        let listening = listeners.values().filter(|listener| {
            let [.., shard_channels] = &listener.names;
            shard_channels.contains(channel)
        });
        listening
            .map(|listener| listener.send(vec![Reply::text("smessage"), bulk(channel), bulk(message)]))
            .sum()
    }
}

impl Listener {
    fn set(&mut self, by: Selector) -> &mut BTreeSet<Bytes> {
        let [channels, patterns, shard_channels] = &mut self.names;
        match by {
            Selector::Channel => channels,
            Selector::Pattern => patterns,
            Selector::ShardChannel => shard_channels,
        }
    }

    fn count(&self) -> Subscribed {
        let [channels, patterns, shard_channels] = self.names.each_ref().map(BTreeSet::len);
        Subscribed { channels, patterns, shard_channels }
    }

    /// 1 if it was told: a closed outbox is a connection that is just going away.
    fn send(&self, parts: Vec<Reply>) -> usize {
        usize::from(self.outbox.send(Reply::Push(parts)).is_ok())
    }
}
