//! When to ask for a token: a pure state machine, the times it goes by, and the threads that drive it.

mod dispatch;
mod driver;
mod machine;
mod policy;
mod snapshot;
mod timer;

pub(crate) use driver::Engine;
pub(crate) use machine::Wish;
pub(crate) use policy::Policy;
pub(crate) use snapshot::{Slot, Snapshot};
