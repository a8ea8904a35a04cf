//! A listener's registration for new tokens.

use crate::connections::Connection;
use crate::refresh::{Engine, Input};
use std::fmt;
use std::sync::Weak;
use std::time::Duration;

/// A listener's registration. Dropping it ends it and never waits: a call under way may still finish.
#[must_use = "dropping a subscription ends it"]
pub struct Subscription {
    pub(crate) id: u64,
    pub(crate) engine: Weak<Engine>,
}

impl Subscription {
    /// A connection is about to authenticate with the token of `version`: for clients that know their connections one by
    /// one. From the first one on the connections say which tokens this listener is on, and [`Subscription::ack`] says
    /// nothing of that any more. Never blocks.
    pub fn opened(&self, version: u64) -> Connection {
        let id = self.engine.upgrade().map_or(0, |engine| engine.connected(self.id));
        Connection::new(id, self.id, self.engine.clone(), version)
    }

    /// Says what became of a re-authentication with the token of this version, so that `status` and metrics
    /// know which connections are on which token. From the first call on, a listener counts as being on a
    /// token only when it has acknowledged it. `accepted = false` is also feedback as
    /// [`crate::Provider::report_rejected`] takes it. Never blocks.
    pub fn ack(&self, version: u64, accepted: bool) {
        if let Some(engine) = self.engine.upgrade() {
            engine.tell(Input::Acknowledged { listener: self.id, version, accepted });
        }
    }

    /// Ends it and waits until no call is under way any more; at once when called from inside the callback.
    /// False if `timeout` was over first: the call under way may still finish, no other follows.
    pub fn unsubscribe(self, timeout: Duration) -> bool {
        self.end(timeout)
    }

    /// As [`Subscription::unsubscribe`], for an owner that cannot give it up. A second time it only waits.
    pub fn end(&self, timeout: Duration) -> bool {
        let Some(engine) = self.engine.upgrade() else { return true };
        engine.unsubscribe(self.id);
        engine.wait_until_returned(self.id, timeout)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.upgrade() {
            engine.unsubscribe(self.id);
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("id", &self.id).finish_non_exhaustive()
    }
}
