//! The nodes, and which of them has which slots.

use super::slots::SLOTS;
use crate::redis::reply::Reply;
use crate::redis::store::Store;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

/// One node with its share of the data.
pub(in crate::redis) struct Node {
    /// 40 hexadecimal digits, as nodes of a cluster have them.
    pub(in crate::redis) id: String,
    pub(in crate::redis) store: Store,
    pub(in crate::redis) index: u16,
    /// Another one after a fail-over.
    port: AtomicU16,
    /// Locked during a fail-over: the next one waits.
    pub(in crate::redis) failing_over: tokio::sync::Mutex<()>,
}

impl Node {
    pub(in crate::redis) fn new(index: u16, port: u16) -> Self {
        let id = std::iter::repeat_with(|| format!("{:x}", fastrand::u8(..16))).take(40).collect();
        Self {
            id,
            store: Store::default(),
            index,
            port: AtomicU16::new(port),
            failing_over: Default::default(),
        }
    }

    pub(in crate::redis) fn port(&self) -> u16 {
        self.port.load(Ordering::Relaxed)
    }

    pub(in crate::redis) fn move_to(&self, port: u16) {
        self.port.store(port, Ordering::Relaxed);
    }
}

/// Every slot belongs to one of the nodes, evenly.
pub(in crate::redis) struct Topology {
    pub(in crate::redis) nodes: Vec<Arc<Node>>,
    /// What the nodes call themselves.
    announce: String,
}

impl Topology {
    pub(in crate::redis) fn new(nodes: Vec<Arc<Node>>, announce: String) -> Self {
        Self { nodes, announce }
    }

    /// The first and the last slot of a node.
    fn range(&self, index: usize) -> (u16, u16) {
        let bound = |index: usize| index * usize::from(SLOTS) / self.nodes.len().max(1);
        let narrow = |slot: usize| u16::try_from(slot).unwrap_or(SLOTS);
        (narrow(bound(index)), narrow(bound(index + 1)).saturating_sub(1))
    }

    fn ranges(&self) -> impl Iterator<Item = (&Arc<Node>, u16, u16)> {
        self.nodes.iter().enumerate().map(|(index, node)| {
            let (first, last) = self.range(index);
            (node, first, last)
        })
    }

    /// The node that has the slot.
    pub(in crate::redis) fn owner(&self, slot: u16) -> Option<&Arc<Node>> {
        self.ranges().find(|(_, first, last)| (*first..=*last).contains(&slot)).map(|(node, ..)| node)
    }

    /// The redirection to it.
    pub(in crate::redis) fn moved(&self, slot: u16, owner: &Node) -> Reply {
        Reply::error(format!("MOVED {slot} {}:{}", self.announce, owner.port()))
    }

    /// What the nodes call themselves.
    pub(in crate::redis) fn announced(&self) -> &str {
        &self.announce
    }

    /// `CLUSTER SLOTS`
    pub(in crate::redis) fn slots(&self) -> Reply {
        let node = |node: &Node| {
            let id = Reply::text(&node.id);
            Reply::Array(vec![Reply::text(&self.announce), port(node), id, Reply::Array(Vec::new())])
        };
        let range = |(owner, first, last): (&Arc<Node>, u16, u16)| {
            Reply::Array(vec![Reply::Int(first.into()), Reply::Int(last.into()), node(owner)])
        };
        Reply::Array(self.ranges().map(range).collect())
    }

    /// `CLUSTER SHARDS`
    pub(in crate::redis) fn shards(&self) -> Reply {
        let entry = |key: &str, value: Reply| (Reply::text(key), value);
        let node = |node: &Node| {
            Reply::Map(vec![
                entry("id", Reply::text(&node.id)),
                entry("tls-port", port(node)),
                entry("ip", Reply::text(&self.announce)),
                entry("endpoint", Reply::text(&self.announce)),
                entry("role", Reply::text("master")),
                entry("replication-offset", Reply::Int(0)),
                entry("health", Reply::text("online")),
            ])
        };
        let shard = |(owner, first, last): (&Arc<Node>, u16, u16)| {
            let slots = Reply::Array(vec![Reply::Int(first.into()), Reply::Int(last.into())]);
            Reply::Map(vec![entry("slots", slots), entry("nodes", Reply::Array(vec![node(owner)]))])
        };
        Reply::Array(self.ranges().map(shard).collect())
    }

    /// `CLUSTER NODES`, as the node `of` tells it.
    pub(in crate::redis) fn lines(&self, of: &Node) -> Reply {
        let mut text = String::new();
        for (node, first, last) in self.ranges() {
            let port = node.port();
            let flags = if node.id == of.id { "myself,master" } else { "master" };
            // Writing to a string cannot fail. The bus has a port of its own, by custom 10,000 further up.
            let _ = writeln!(
                text,
                "{} {}:{port}@{} {flags} - 0 0 {} connected {first}-{last}",
                node.id,
                self.announce,
                port.saturating_add(10_000),
                node.index + 1,
            );
        }
        Reply::bulk(text)
    }

    /// `CLUSTER INFO`
    pub(in crate::redis) fn info(&self) -> Reply {
        let nodes = self.nodes.len();
        Reply::bulk(format!(
            "cluster_state:ok\r\ncluster_slots_assigned:{SLOTS}\r\ncluster_slots_ok:{SLOTS}\r\n\
             cluster_slots_pfail:0\r\ncluster_slots_fail:0\r\ncluster_known_nodes:{nodes}\r\ncluster_size:{nodes}\r\n\
             cluster_current_epoch:{nodes}\r\ncluster_my_epoch:1\r\n"
        ))
    }
}

fn port(node: &Node) -> Reply {
    Reply::Int(node.port().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_has_one_owner() {
        for count in 1..=7 {
            let nodes = (0..count).map(|index| Arc::new(Node::new(index, 8500 + index))).collect();
            let topology = Topology::new(nodes, "127.0.2.4".to_owned());
            let mut next = 0;
            for (_, first, last) in topology.ranges() {
                assert_eq!(first, next);
                next = last + 1;
            }
            assert_eq!(next, SLOTS);
            assert!((0..SLOTS).all(|slot| topology.owner(slot).is_some()));
        }
    }
}
