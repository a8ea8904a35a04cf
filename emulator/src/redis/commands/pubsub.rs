//! Publish and subscribe.

use super::super::connection::Connection;
use super::super::pubsub::{Selector, Subscriptions};
use super::super::reply::Reply;
use super::words::{count, owned};
use bytes::Bytes;

pub(super) fn subscribe(connection: &mut Connection, words: &[Bytes]) -> Reply {
    add(connection, words, Selector::Channel, "subscribe")
}

pub(super) fn psubscribe(connection: &mut Connection, words: &[Bytes]) -> Reply {
    add(connection, words, Selector::Pattern, "psubscribe")
}

pub(super) fn unsubscribe(connection: &mut Connection, words: &[Bytes]) -> Reply {
    remove(connection, words, Selector::Channel, "unsubscribe")
}

pub(super) fn punsubscribe(connection: &mut Connection, words: &[Bytes]) -> Reply {
    remove(connection, words, Selector::Pattern, "punsubscribe")
}

pub(super) fn ssubscribe(connection: &mut Connection, words: &[Bytes]) -> Reply {
    add(connection, words, Selector::ShardChannel, "ssubscribe")
}

pub(super) fn sunsubscribe(connection: &mut Connection, words: &[Bytes]) -> Reply {
    remove(connection, words, Selector::ShardChannel, "sunsubscribe")
}

pub(super) fn spublish(connection: &mut Connection, words: &[Bytes]) -> Reply {
    count(connection.cache.hub.publish_to_shard(&owned(words, 1), &owned(words, 2)))
}

pub(super) fn publish(connection: &mut Connection, words: &[Bytes]) -> Reply {
    count(connection.cache.hub.publish(&owned(words, 1), &owned(words, 2)))
}

fn add(connection: &mut Connection, words: &[Bytes], by: Selector, kind: &str) -> Reply {
    let mut confirmations = Vec::new();
    for name in words.iter().skip(1) {
        let subscriptions =
            connection.cache.hub.add(connection.client.id, by, name.clone(), &connection.outbox);
        confirmations.push(confirmation(connection, kind, Reply::Bulk(name.clone()), subscriptions, by));
    }
    Reply::Several(confirmations)
}

/// Without names: all of them, and one confirmation even if there are none.
fn remove(connection: &mut Connection, words: &[Bytes], by: Selector, kind: &str) -> Reply {
    let id = connection.client.id;
    let named: Vec<Bytes> = words.iter().skip(1).cloned().collect();
    let names = if named.is_empty() { connection.cache.hub.names(id, by) } else { named };
    if names.is_empty() {
        let subscriptions = connection.subscriptions;
        return confirmation(connection, kind, Reply::Null, subscriptions, by);
    }
    let mut confirmations = Vec::new();
    for name in names {
        let subscriptions = connection.cache.hub.remove(id, by, &name);
        confirmations.push(confirmation(connection, kind, Reply::Bulk(name), subscriptions, by));
    }
    Reply::Several(confirmations)
}

fn confirmation(
    connection: &mut Connection,
    kind: &str,
    name: Reply,
    subscriptions: Subscriptions,
    by: Selector,
) -> Reply {
    connection.subscriptions = subscriptions;
    {
        let mut details = connection.client.details();
        (details.channels, details.patterns) = (subscriptions.channels, subscriptions.patterns);
        details.shard_channels = subscriptions.shard_channels;
    }
    Reply::Push(vec![Reply::text(kind), name, count(subscriptions.counted_with(by))])
}
