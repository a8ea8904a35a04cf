//! One connection of a client, from its handshake to its end.

use crate::error::{Error, Result};
use crate::refresh::{Engine, Input};
use crate::rejection::{Rejection, RejectionReason};
use std::fmt;
use std::sync::Weak;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// An open connection to a server, in the books of a listener ([`crate::Subscription::opened`]), until
/// [`Connection::closed`] or its drop. A connection that connects anew is another one.
///
/// With them `status`, metrics and events count connections, each once; a listener that has any needs no
/// [`crate::Subscription::ack`]. In a forked child a connection does nothing, because it is the parent's.
pub struct Connection {
    id: u64,
    listener: u64,
    engine: Weak<Engine>,
    generation: u64,
    /// The version that the connection was last authenticated with, or is about to be.
    on: AtomicU64,
    /// The newest version that the server refused on this connection.
    refused: AtomicU64,
    closed: AtomicBool,
}

impl Connection {
    pub(crate) fn new(id: u64, listener: u64, engine: Weak<Engine>, version: u64) -> Self {
        let generation = entrakey_sys::fork::generation();
        Self {
            id,
            listener,
            engine,
            generation,
            on: AtomicU64::new(version),
            refused: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        }
    }

    /// The server took the token of `version`: in the handshake, or afterwards. Never blocks.
    pub fn authenticated(&self, version: u64) {
        self.on.store(version, Ordering::SeqCst);
        self.tell(Input::Authenticated { listener: self.listener, connection: self.id, version });
    }

    /// Something else came instead, with this message: as [`crate::Provider::report_rejected`], and for this
    /// connection. If it is a verdict, the connection stays on the token that it was on, and this one is not to be
    /// tried on it again. Never blocks.
    ///
    /// # Errors
    /// `CLOSED` after [`crate::Provider::close`], and in a forked child.
    pub fn refused(&self, version: u64, message: &str) -> Result<Rejection> {
        let engine = self.engine.upgrade().filter(|_| self.is_ours()).ok_or_else(Error::closed)?;
        let rejection = engine.refused(self.listener, self.id, version, message)?;
        if rejection.reason != RejectionReason::NotARefusal {
            self.refused.fetch_max(version, Ordering::SeqCst);
        }
        Ok(rejection)
    }

    /// Whether the connection is to be authenticated with the token of `version`: it is on an older token, and its
    /// server has not refused this one. A few loads: cheap enough to ask before every command.
    #[must_use]
    #[inline]
    pub fn is_behind(&self, version: u64) -> bool {
        let tried = self.on.load(Ordering::SeqCst).max(self.refused.load(Ordering::SeqCst));
        tried < version && self.is_ours() && !self.closed.load(Ordering::SeqCst)
    }

    /// The connection is closed. Never blocks. What is said of it afterwards does not count.
    pub fn closed(&self) {
        if !self.closed.swap(true, Ordering::SeqCst) {
            self.tell(Input::Disconnected { listener: self.listener, connection: self.id });
        }
    }

    fn is_ours(&self) -> bool {
        self.generation == entrakey_sys::fork::generation()
    }

    fn tell(&self, input: Input) {
        if let Some(engine) = self.engine.upgrade() {
            engine.tell(input);
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.closed();
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("id", &self.id).field("on", &self.on).finish_non_exhaustive()
    }
}
