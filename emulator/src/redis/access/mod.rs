//! Access policies: what the cache lets an object id do.

mod category;
mod permissions;
mod policies;

pub(super) use category::*;
pub(crate) use permissions::Permissions;
pub(crate) use policies::Policies;
