//! What a client may ask about the nodes, and the answer with local ports.

use super::rewrite_nodes::{rewrite_nodes, rewrite_replicas};
use super::rewrite_shards::{Tls, rewrite_shards};
use super::rewrite_slots::rewrite_slots;
use super::tree::Value;
use super::{Place, Trouble};
use crate::wire;

/// An answer that names nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    Slots,
    Shards,
    Nodes,
    Replicas,
}

impl View {
    /// That of `CLUSTER` with this subcommand.
    pub(crate) fn of(subcommand: &[u8]) -> Option<Self> {
        let views = [
            ("slots", Self::Slots),
            ("shards", Self::Shards),
            ("nodes", Self::Nodes),
            ("replicas", Self::Replicas),
            ("slaves", Self::Replicas),
        ];
        views
            .into_iter()
            .find(|(name, _)| subcommand.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, view)| view)
    }

    /// The answer for the client: `reply` with local ports, or an error that says why there is none.
    pub(super) fn rewrite(self, reply: &[u8], tls: Tls, place: Place<'_>) -> Vec<u8> {
        self.try_rewrite(reply, tls, place).unwrap_or_else(|trouble| {
            wire::error(&match trouble {
                Trouble::NoPlace(why) => format!("ERR entrakey proxy: {why}"),
                Trouble::Unknown => format!(
                    "ERR entrakey proxy: the server's answer to CLUSTER {} has a form that the proxy does not know",
                    self.name()
                ),
            })
        })
    }

    fn try_rewrite(self, reply: &[u8], tls: Tls, place: Place<'_>) -> Result<Vec<u8>, Trouble> {
        let mut value = Value::read(reply)?;
        match self {
            Self::Slots => rewrite_slots(&mut value, place)?,
            Self::Shards => rewrite_shards(&mut value, tls, place)?,
            Self::Nodes => rewrite_nodes(&mut value, place)?,
            Self::Replicas => rewrite_replicas(&mut value, place)?,
        }
        let mut out = Vec::with_capacity(reply.len());
        value.write(&mut out);
        Ok(out)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Slots => "SLOTS",
            Self::Shards => "SHARDS",
            Self::Nodes => "NODES",
            Self::Replicas => "REPLICAS",
        }
    }
}
