//! Channels, patterns and their subscribers.

use super::glob;
use super::reply::Reply;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc::UnboundedSender;

/// Delivers what is published to every subscriber, whichever node serves it.
#[derive(Default)]
pub(super) struct Hub(Mutex<BTreeMap<u64, Subscriber>>);

struct Subscriber {
    names: [BTreeSet<Bytes>; 3],
    outbox: UnboundedSender<Reply>,
}

/// How a subscriber selects channels: by name, by pattern, or by the name of a channel that belongs to a slot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Selector {
    Channel,
    Pattern,
    ShardChannel,
}

/// To how many channels and patterns a connection listens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Subscriptions {
    pub(super) channels: usize,
    pub(super) patterns: usize,
    pub(super) shard_channels: usize,
}

impl Subscriptions {
    pub(super) fn any(self) -> bool {
        self.channels + self.patterns + self.shard_channels > 0
    }

    /// The count in a confirmation: channels of slots are counted by themselves.
    pub(super) fn counted_with(self, by: Selector) -> usize {
        match by {
            Selector::ShardChannel => self.shard_channels,
            _ => self.channels + self.patterns,
        }
    }
}

impl Hub {
    fn subscribers(&self) -> MutexGuard<'_, BTreeMap<u64, Subscriber>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(
        &self,
        id: u64,
        by: Selector,
        name: Bytes,
        outbox: &UnboundedSender<Reply>,
    ) -> Subscriptions {
        let mut subscribers = self.subscribers();
        let fresh = || Subscriber { names: Default::default(), outbox: outbox.clone() };
        let subscriber = subscribers.entry(id).or_insert_with(fresh);
        subscriber.set(by).insert(name);
        subscriber.count()
    }

    pub(super) fn remove(&self, id: u64, by: Selector, name: &Bytes) -> Subscriptions {
        let mut subscribers = self.subscribers();
        let Some(subscriber) = subscribers.get_mut(&id) else { return Subscriptions::default() };
        subscriber.set(by).remove(name);
        subscriber.count()
    }

    pub(super) fn names(&self, id: u64, by: Selector) -> Vec<Bytes> {
        self.subscribers()
            .get_mut(&id)
            .map(|subscriber| subscriber.set(by).iter().cloned().collect())
            .unwrap_or_default()
    }

    pub(super) fn forget(&self, id: u64) {
        self.subscribers().remove(&id);
    }

    /// How many were told.
    pub(super) fn publish(&self, channel: &Bytes, message: &Bytes) -> usize {
        let mut told = 0;
        let bulk = |data: &Bytes| Reply::Bulk(data.clone());
        for subscriber in self.subscribers().values() {
            let [channels, patterns, _] = &subscriber.names;
            if channels.contains(channel) {
                told += subscriber.send(vec![Reply::text("message"), bulk(channel), bulk(message)]);
            }
            for pattern in patterns.iter().filter(|pattern| glob::matches(pattern, channel)) {
                told += subscriber.send(vec![
                    Reply::text("pmessage"),
                    bulk(pattern),
                    bulk(channel),
                    bulk(message),
                ]);
            }
        }
        told
    }

    /// Publishes to a channel that belongs to a slot. Returns how many were told.
    pub(super) fn publish_to_shard(&self, channel: &Bytes, message: &Bytes) -> usize {
        let bulk = |data: &Bytes| Reply::Bulk(data.clone());
        let subscribers = self.subscribers();
        let listening = subscribers.values().filter(|subscriber| {
            let [.., shard_channels] = &subscriber.names;
            shard_channels.contains(channel)
        });
        listening
            .map(|subscriber| subscriber.send(vec![Reply::text("smessage"), bulk(channel), bulk(message)]))
            .sum()
    }
}

impl Subscriber {
    fn set(&mut self, by: Selector) -> &mut BTreeSet<Bytes> {
        let [channels, patterns, shard_channels] = &mut self.names;
        match by {
            Selector::Channel => channels,
            Selector::Pattern => patterns,
            Selector::ShardChannel => shard_channels,
        }
    }

    fn count(&self) -> Subscriptions {
        let [channels, patterns, shard_channels] = self.names.each_ref().map(BTreeSet::len);
        Subscriptions { channels, patterns, shard_channels }
    }

    /// 1 if it was told: a closed outbox is a connection that is just going away.
    fn send(&self, parts: Vec<Reply>) -> usize {
        usize::from(self.outbox.send(Reply::Push(parts)).is_ok())
    }
}
