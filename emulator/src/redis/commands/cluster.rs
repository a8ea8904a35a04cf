//! What a client of a cluster asks.

use super::super::cluster::slot_of;
use super::super::connection::Connection;
use super::super::reply::{OK, Reply};
use super::words::{count, integer, text, word};
use bytes::Bytes;

/// READONLY and its like: every node is a master.
pub(super) fn ok(_: &mut Connection, _: &[Bytes]) -> Reply {
    OK
}

pub(super) fn cluster(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let (topology, node) = (&connection.cache.topology, &connection.node);
    match (text(words, 1).to_ascii_uppercase().as_str(), words.len()) {
        ("SLOTS", 2) => topology.slots(),
        ("SHARDS", 2) => topology.shards(),
        ("NODES", 2) => topology.lines(node),
        ("INFO", 2) => topology.info(),
        ("MYID", 2) => Reply::text(&node.id),
        ("KEYSLOT", 3) => Reply::Int(slot_of(word(words, 2)).into()),
        ("COUNTKEYSINSLOT", 3) => match integer(words, 2) {
            Ok(slot) => {
                count(node.store.lock().keys().iter().filter(|key| i64::from(slot_of(key)) == slot).count())
            }
            Err(error) => error,
        },
        _ => connection.cache.commands.refuse_subcommand(words),
    }
}
