//! What readers see without taking a lock: the newest token and the engine that made it, of one moment.

use super::Engine;
use crate::token::Token;
use arc_swap::ArcSwap;
use std::sync::Arc;

/// One moment of a provider. Replaced whole, never changed.
pub(crate) struct Snapshot {
    /// The fork generation of the process that made it.
    pub(crate) generation: u64,
    pub(crate) token: Option<Arc<Token>>,
    /// None once the provider is closed.
    pub(crate) engine: Option<Arc<Engine>>,
}

/// Where a provider's newest snapshot is. Shared by the provider and its engine; the cycle between the two
/// ends when the provider is closed, which dropping it does.
pub(crate) type Published = Arc<ArcSwap<Snapshot>>;

impl Snapshot {
    pub(crate) fn empty() -> Self {
        Self { generation: entrakey_sys::fork::generation(), token: None, engine: None }
    }

    /// Whether this process made it: what a forked child inherits must not be used.
    #[inline]
    pub(crate) fn is_ours(&self) -> bool {
        self.generation == entrakey_sys::fork::generation()
    }
}
