//! Client-side caching, as one connection has asked for it.
//! <https://redis.io/docs/latest/develop/reference/client-side-caching/>

use super::Connection;
use crate::redis::commands::Found;
use bytes::Bytes;

/// Of which keys a connection is told that they have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::redis) enum TrackingMode {
    /// Those that it reads.
    Read,
    /// Those that it reads after `CLIENT CACHING YES`.
    OptIn,
    /// Those that it reads, but for what follows `CLIENT CACHING NO`.
    OptOut,
    /// All with its prefixes.
    Broadcast,
}

/// What `CLIENT TRACKING` and `CLIENT CACHING` have set.
#[derive(Clone, Copy, Default)]
pub(in crate::redis) struct TrackingState {
    pub(in crate::redis) mode: Option<TrackingMode>,
    /// `CLIENT CACHING` was the last command, or stands before the transaction that is open.
    pub(in crate::redis) caching: bool,
}

impl TrackingState {
    fn takes_reads(self) -> bool {
        match self.mode {
            Some(TrackingMode::Read) => true,
            Some(TrackingMode::OptIn) => self.caching,
            Some(TrackingMode::OptOut) => !self.caching,
            Some(TrackingMode::Broadcast) | None => false,
        }
    }
}

impl Connection {
    /// Before a command is run: what changes its keys from here on is told, so that none is missed.
    pub(super) fn track_reads(&self, found: &Found, words: &[Bytes]) {
        if self.tracking.takes_reads() && found.command.reads() {
            self.node.store.lock().tracking.read(self.client.id, found.command.keys(words));
        }
    }

    /// `CLIENT CACHING` holds for one command, or for one transaction.
    pub(super) fn forget_caching(&mut self, command: &str) {
        if command != "CLIENT" && !self.transaction.is_open() {
            self.tracking.caching = false;
        }
    }

    pub(in crate::redis) fn end_tracking(&mut self) {
        self.node.store.lock().tracking.forget(self.client.id);
        self.tracking = TrackingState::default();
    }
}
