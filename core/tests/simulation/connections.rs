//! A client that tells of each of its connections, as adapters do.

use crate::world::World;
use entrakey_core::internals::Input;
use std::collections::BTreeMap;

/// How many connections of a listener may be open.
const MOST: usize = 5;

/// One listener, and its open connections: the version that each is on, 0 in its handshake.
pub struct Client {
    pub id: u64,
    /// The listener is to be called.
    pub due: bool,
    open: BTreeMap<u64, u64>,
    /// The version that the listener counts as being on before its first connection.
    before: Option<u64>,
}

impl Client {
    /// The versions that it counts as being on.
    pub fn on(&self) -> impl Iterator<Item = u64> {
        self.open.values().copied().chain(self.before).filter(|version| *version > 0)
    }
}

impl World {
    /// A connection is opened; one in eight is refused.
    pub fn connect(&mut self) {
        if self.client.as_ref().is_some_and(|client| client.open.len() >= MOST) {
            return;
        }
        let listener = self.client_id();
        self.numbers += 1;
        let connection = self.numbers;
        self.put(connection, 0);
        self.step(Input::Connected { listener, connection });
        let version = self.valid_version().unwrap_or(0);
        if version == 0 || self.rng.u8(..8) == 0 {
            self.tell((0, 0), Input::Refused { listener, connection, version });
            return self.close_connection(connection);
        }
        self.put(connection, version);
        self.tell((0, 0), Input::Authenticated { listener, connection, version });
    }

    fn valid_version(&self) -> Option<u64> {
        self.valid().and(self.ledger.serving.as_ref()).map(|serving| serving.version)
    }

    fn client_id(&mut self) -> u64 {
        if let Some(client) = &self.client {
            return client.id;
        }
        self.numbers += 1;
        let (id, before) = (self.numbers, self.valid_version());
        self.client = Some(Client { id, due: false, open: BTreeMap::new(), before });
        self.step(Input::Subscribed(id));
        id
    }

    /// A connection is lost, and its loss is reported twice.
    pub fn lose_connection(&mut self) {
        let Some(client) = &self.client else { return };
        let (listener, count) = (client.id, client.open.len());
        let Some(connection) = client.open.keys().nth(self.rng.usize(..count.max(1))).copied() else {
            return;
        };
        self.close_connection(connection);
        let newest = self.valid_version().unwrap_or(0);
        for version in [0, newest, newest + 1] {
            self.tell((0, 0), Input::Authenticated { listener, connection, version });
            self.tell((0, 0), Input::Refused { listener, connection, version });
        }
        self.tell((0, 0), Input::Disconnected { listener, connection });
    }

    fn close_connection(&mut self, connection: u64) {
        let Some(client) = &mut self.client else { return };
        client.open.remove(&connection);
        let listener = client.id;
        self.tell((0, 0), Input::Disconnected { listener, connection });
    }

    /// The listener's call: each connection that is on an older token takes the new one, or is refused it and stays.
    pub fn renew(&mut self) {
        let Some(client) = &mut self.client else { return };
        client.due = false;
        let listener = client.id;
        let open: Vec<_> = client.open.iter().map(|(connection, on)| (*connection, *on)).collect();
        if let Some((token, _)) = self.machine.tell(self.now, listener) {
            self.sums.notifications += 1;
            let version = token.version();
            for (connection, _) in open.into_iter().filter(|(_, on)| *on < version) {
                if self.rng.u8(..8) == 0 {
                    self.tell((0, 1), Input::Refused { listener, connection, version });
                    self.tell((0, 0), Input::Refused { listener, connection, version }); // counts once
                } else {
                    self.put(connection, version);
                    self.tell((1, 0), Input::Authenticated { listener, connection, version });
                }
            }
        }
        self.step(Input::Returned { listener, panicked: false });
    }

    fn put(&mut self, connection: u64, version: u64) {
        if let Some(client) = &mut self.client {
            client.before = None;
            client.open.insert(connection, version);
        }
    }

    /// A step after which so many more re-authentications were accepted and refused, and the connections are what
    /// they are.
    fn tell(&mut self, more: (u64, u64), event: Input) {
        let before = self.reauthentications();
        self.step(event);
        let after = self.reauthentications();
        if after != (before.0 + more.0, before.1 + more.1) {
            self.violate(&format!("O8: {before:?} re-authentications became {after:?}, not {more:?} more"));
        }
        let expected = self.client.as_ref().map_or(0, |client| client.open.len());
        let connections = self.machine.status(self.now).listeners.connections;
        if connections != expected {
            self.violate(&format!("O8: {connections} connections are open, not {expected}"));
        }
        self.check_oldest();
    }
}
