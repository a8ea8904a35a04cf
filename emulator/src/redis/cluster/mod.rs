//! The OSS cluster policy: slots, nodes and what they announce.

mod slots;
mod topology;

pub(super) use slots::slot_of;
pub(super) use topology::{Node, Topology};
