//! `CLUSTER SLOTS`: `first last [endpoint port id more]…` for each range of slots.

use super::tree::Value;
use super::{Place, Trouble};

pub(super) fn rewrite_slots(reply: &mut Value<'_>, place: Place<'_>) -> Result<(), Trouble> {
    for range in reply.items()? {
        let [_, _, nodes @ ..] = range.items()?.as_mut_slice() else { return Err(Trouble::Unknown) };
        for node in nodes {
            rewrite_node(node, place)?;
        }
    }
    Ok(())
}

fn rewrite_node(node: &mut Value<'_>, place: Place<'_>) -> Result<(), Trouble> {
    let [endpoint, port, more @ ..] = node.items()?.as_mut_slice() else { return Err(Trouble::Unknown) };
    let public = port.port()?;
    if public == 0 {
        return Ok(()); // a node whose address nobody knows
    }
    let local = place(public).map_err(Trouble::NoPlace)?;
    *endpoint = Value::text(local.ip().to_string());
    *port = Value::integer(local.port());
    // What is known besides are other names for the same node: ip, hostname.
    if let [_, names, ..] = more {
        names.items()?.clear();
    }
    Ok(())
}
