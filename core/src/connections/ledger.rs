//! Which of a client's connections is on which token: one for each listener, kept by the engine under its lock.

use std::collections::{BTreeMap, HashMap};

/// What the server last answered on one connection; version 0: nothing yet.
#[derive(Clone, Copy, Default)]
struct Standing {
    /// The version of the token that the server took.
    on: u64,
    /// The version of the token that the server refused.
    refused: u64,
}

/// The open connections of one listener.
#[derive(Default)]
pub(crate) struct Ledger {
    connections: HashMap<u64, Standing>,
    /// How many connections are on each version.
    versions: BTreeMap<u64, usize>,
}

impl Ledger {
    /// A connection is in its handshake: it is on no token yet.
    pub(crate) fn opened(&mut self, id: u64) {
        self.connections.entry(id).or_default();
    }

    /// The server took the token of `version`. True if the connection is on another than before: the first one is no
    /// re-authentication, and neither is the same one again.
    pub(crate) fn authenticated(&mut self, id: u64, version: u64) -> bool {
        let Some(standing) = self.connections.get_mut(&id) else { return false };
        let before = std::mem::replace(&mut standing.on, version);
        if before != version {
            self.leave(before);
            *self.versions.entry(version).or_default() += 1;
        }
        before != 0 && before != version
    }

    /// The server did not take the token of `version`; the connection stays on the one that it was on. True if that was
    /// a re-authentication, and is said for the first time.
    pub(crate) fn refused(&mut self, id: u64, version: u64) -> bool {
        let Some(standing) = self.connections.get_mut(&id) else { return false };
        let before = std::mem::replace(&mut standing.refused, version);
        standing.on != 0 && before != version
    }

    /// Whether the ledger had the connection.
    pub(crate) fn closed(&mut self, id: u64) -> bool {
        let standing = self.connections.remove(&id);
        if let Some(standing) = standing {
            self.leave(standing.on);
        }
        standing.is_some()
    }

    /// How many connections are open, those in their handshake included.
    pub(crate) fn len(&self) -> usize {
        self.connections.len()
    }

    /// The oldest token that a connection is on.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.versions.keys().next().copied()
    }

    /// How many connections are on the token of `version`.
    pub(crate) fn count_on(&self, version: u64) -> usize {
        self.versions.get(&version).copied().unwrap_or(0)
    }

    /// The versions before `newest` that connections are on, and how many are on each.
    pub(crate) fn behind(&self, newest: u64) -> impl Iterator<Item = (u64, usize)> {
        self.versions.range(..newest).map(|(version, count)| (*version, *count))
    }

    fn leave(&mut self, version: u64) {
        if let Some(count) = self.versions.get_mut(&version) {
            *count -= 1;
            if *count == 0 {
                self.versions.remove(&version);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    enum Said {
        Opened(u64),
        /// With what is to be given.
        Authenticated(u64, u64, bool),
        Refused(u64, u64, bool),
        Closed(u64, bool),
    }
    use Said::{Authenticated, Closed, Opened, Refused};

    /// After what was said: how many are open, and how many on each version.
    #[test]
    fn each_connection_counts_once_and_on_the_token_that_its_server_took() {
        let story = [
            (Opened(1), 1, vec![]),
            (Authenticated(1, 1, false), 1, vec![(1, 1)]), // the handshake's is no re-authentication
            (Opened(2), 2, vec![(1, 1)]),
            (Opened(3), 3, vec![(1, 1)]),
            (Authenticated(2, 1, false), 3, vec![(1, 2)]),
            (Authenticated(3, 1, false), 3, vec![(1, 3)]),
            (Refused(1, 2, true), 3, vec![(1, 3)]), // the connection stays on its token
            (Refused(1, 2, false), 3, vec![(1, 3)]), // the same refusal twice
            (Closed(2, true), 2, vec![(1, 2)]),
            (Closed(2, false), 2, vec![(1, 2)]),
            (Authenticated(2, 2, false), 2, vec![(1, 2)]), // an answer that came too late
            (Refused(2, 2, false), 2, vec![(1, 2)]),
            (Authenticated(3, 2, true), 2, vec![(1, 1), (2, 1)]),
            (Authenticated(3, 2, false), 2, vec![(1, 1), (2, 1)]),
            (Authenticated(1, 3, true), 2, vec![(2, 1), (3, 1)]), // the next token was taken
            (Opened(4), 3, vec![(2, 1), (3, 1)]),
            (Refused(4, 3, false), 3, vec![(2, 1), (3, 1)]), // in its handshake: the connection never was on a token
            (Closed(4, true), 2, vec![(2, 1), (3, 1)]),
            (Authenticated(1, 2, true), 2, vec![(2, 2)]), // whatever the order, the server's last word counts
            (Closed(1, true), 1, vec![(2, 1)]),
            (Closed(3, true), 0, vec![]),
        ];
        let mut ledger = Ledger::default();
        for (step, (said, open, on)) in story.into_iter().enumerate() {
            let (given, expected) = match said {
                Opened(id) => (false, {
                    ledger.opened(id);
                    false
                }),
                Authenticated(id, version, expected) => (ledger.authenticated(id, version), expected),
                Refused(id, version, expected) => (ledger.refused(id, version), expected),
                Closed(id, expected) => (ledger.closed(id), expected),
            };
            assert_eq!(given, expected, "step {step}");
            assert_eq!(ledger.len(), open, "step {step}");
            assert_eq!(ledger.behind(u64::MAX).collect::<Vec<_>>(), on, "step {step}");
            assert_eq!(ledger.oldest(), on.first().map(|(version, _)| *version), "step {step}");
        }
    }

    #[test]
    fn behind_are_those_on_an_older_token_than_the_newest() {
        let mut ledger = Ledger::default();
        for (id, version) in [(1, 1), (2, 2), (3, 2), (4, 3)] {
            ledger.opened(id);
            ledger.authenticated(id, version);
        }
        assert_eq!(ledger.behind(3).collect::<Vec<_>>(), [(1, 1), (2, 2)]);
        assert_eq!((ledger.count_on(2), ledger.count_on(7), ledger.behind(1).count()), (2, 0, 0));
    }
}
