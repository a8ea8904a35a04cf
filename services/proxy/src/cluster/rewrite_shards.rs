//! `CLUSTER SHARDS`: names and values, in RESP2 one after the other, in RESP3 as maps.

use super::tree::Value;
use super::{Place, Trouble};

/// Which of a node's two ports it is that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tls {
    /// The proxy's connection to the node has TLS.
    pub(crate) upstream: bool,
    /// The clients' connections to the proxy have.
    pub(crate) clients: bool,
}

pub(super) fn rewrite_shards(reply: &mut Value<'_>, tls: Tls, place: Place<'_>) -> Result<(), Trouble> {
    for shard in reply.items()? {
        let nodes =
            shard.items()?.chunks_exact_mut(2).find(|pair| pair.first().is_some_and(|name| name.is("nodes")));
        let Some([_, nodes]) = nodes else { return Err(Trouble::Unknown) };
        for node in nodes.items()? {
            rewrite_node(node.items()?, tls, place)?;
        }
    }
    Ok(())
}

fn rewrite_node(node: &mut Vec<Value<'_>>, tls: Tls, place: Place<'_>) -> Result<(), Trouble> {
    let names = |uses_tls| if uses_tls { ["tls-port", "port"] } else { ["port", "tls-port"] };
    let ports = names(tls.upstream).into_iter().filter_map(|name| value(node, name));
    let ports = ports.map(Value::port).collect::<Result<Vec<_>, _>>()?;
    let Some(public) = ports.iter().find(|port| **port != 0) else {
        // A node whose address nobody knows; one without any port is of a form that nobody knows.
        return if ports.is_empty() { Err(Trouble::Unknown) } else { Ok(()) };
    };
    let local = place(*public).map_err(Trouble::NoPlace)?;
    let [kept, dropped] = names(tls.clients);
    let mut has_port = false;
    let (mut before, mut after) = (std::mem::take(node).into_iter(), Vec::new());
    while let (Some(name), Some(value)) = (before.next(), before.next()) {
        if name.is(kept) || name.is(dropped) {
            if !has_port {
                after.extend([Value::text(kept.to_owned()), Value::integer(local.port())]);
            }
            has_port = true;
        } else if name.is("ip") || name.is("endpoint") {
            after.extend([name, Value::text(local.ip().to_string())]);
        } else if !name.is("hostname") {
            after.extend([name, value]);
        }
    }
    *node = after;
    Ok(())
}

fn value<'a, 'b>(pairs: &'a [Value<'b>], name: &str) -> Option<&'a Value<'b>> {
    let mut pairs = pairs.chunks_exact(2);
    pairs.find_map(|pair| pair.first().filter(|key| key.is(name)).and(pair.get(1)))
}
