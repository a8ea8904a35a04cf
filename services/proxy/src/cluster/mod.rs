//! The OSS cluster policy: nodes announce addresses that clients would dial, past the proxy. So each node gets a local
//! port, and whatever names a node names that port instead.

mod nodes;
mod rewrite_moved;
mod rewrite_nodes;
mod rewrite_shards;
mod rewrite_slots;
mod tree;
mod view;

#[cfg(test)]
mod replies;

pub(crate) use nodes::Announced;
pub use nodes::{Node, NodeListeners, Nodes};
pub(crate) use rewrite_moved::{Redirection, redirection};
pub(crate) use view::View;

use std::net::SocketAddr;

/// A reply in which each node is found where its port says, on this machine.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn rewritten_for_itself(view: View, reply: &[u8]) -> Vec<u8> {
    let tls = rewrite_shards::Tls { upstream: true, clients: false };
    view.rewrite(reply, tls, &|port| Ok(SocketAddr::from(([127, 0, 0, 1], port))))
}

/// Where clients find the node of this port; an error is a sentence for them.
type Place<'a> = &'a dyn Fn(u16) -> Result<SocketAddr, String>;

/// Why an answer cannot be given with local ports.
#[derive(Debug, PartialEq, Eq)]
enum Trouble {
    /// It has a form that is not known here. Passed on, it would lead clients past the proxy.
    Unknown,
    /// A node has no local port.
    NoPlace(String),
}
