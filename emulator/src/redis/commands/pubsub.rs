//! Publish and subscribe.

use super::super::connection::Connection;
use super::super::pubsub::Selector;
use super::super::reply::Reply;
use super::owned;
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

pub(super) fn publish(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let told = connection.plane.hub.publish(&owned(words, 1), &owned(words, 2));
    Reply::Int(told.try_into().unwrap_or(i64::MAX))
}

fn add(connection: &mut Connection, words: &[Bytes], by: Selector, kind: &str) -> Reply {
    let mut confirmations = Vec::new();
    for name in words.iter().skip(1) {
        let count = connection.plane.hub.add(connection.id, by, name.clone(), &connection.outbox);
        confirmations.push(confirmation(connection, kind, Reply::Bulk(name.clone()), count));
    }
    Reply::Several(confirmations)
}

/// Without names: all of them, and one confirmation even if there are none.
fn remove(connection: &mut Connection, words: &[Bytes], by: Selector, kind: &str) -> Reply {
    let named: Vec<Bytes> = words.iter().skip(1).cloned().collect();
    let names = if named.is_empty() { connection.plane.hub.names(connection.id, by) } else { named };
    if names.is_empty() {
        let count = connection.subscriptions;
        return confirmation(connection, kind, Reply::Null, count);
    }
    let mut confirmations = Vec::new();
    for name in names {
        let count = connection.plane.hub.remove(connection.id, by, &name);
        confirmations.push(confirmation(connection, kind, Reply::Bulk(name), count));
    }
    Reply::Several(confirmations)
}

fn confirmation(connection: &mut Connection, kind: &str, name: Reply, count: usize) -> Reply {
    connection.subscriptions = count;
    let (plane, id) = (&connection.plane, connection.id);
    let channels = plane.hub.names(id, Selector::Channel).len();
    plane
        .clients
        .update(id, |client| (client.channels, client.patterns) = (channels, count - channels.min(count)));
    Reply::Push(vec![Reply::text(kind), name, Reply::Int(count.try_into().unwrap_or(i64::MAX))])
}
