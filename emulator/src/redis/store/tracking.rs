//! Which clients are told that a key has changed. <https://redis.io/docs/latest/develop/reference/client-side-caching/>

use super::super::reply::Reply;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tokio::sync::mpsc::UnboundedSender;

/// The clients of one node that asked to be told, and which keys they have read.
#[derive(Default)]
pub(in crate::redis) struct Tracking {
    clients: BTreeMap<u64, Tracker>,
    /// By key, who has read it since it last changed.
    readers: HashMap<Bytes, BTreeSet<u64>>,
}

struct Tracker {
    outbox: UnboundedSender<Reply>,
    /// With BCAST: told of every key that starts with one of these, read or not. Without prefixes, of every key.
    broadcast: Option<Vec<Bytes>>,
}

impl Tracking {
    pub(in crate::redis) fn add(
        &mut self,
        client: u64,
        broadcast: Option<Vec<Bytes>>,
        outbox: UnboundedSender<Reply>,
    ) {
        self.clients.insert(client, Tracker { outbox, broadcast });
    }

    /// A client has read these keys, and is told when one of them changes: once, until it reads it again.
    pub(in crate::redis) fn read<'a>(&mut self, client: u64, keys: impl Iterator<Item = &'a Bytes>) {
        for key in keys {
            self.readers.entry(key.clone()).or_default().insert(client);
        }
    }

    pub(in crate::redis) fn forget(&mut self, client: u64) {
        if self.clients.remove(&client).is_some() {
            self.readers.retain(|_, readers| !readers.remove(&client) || !readers.is_empty());
        }
    }

    pub(super) fn changed(&mut self, key: &Bytes) {
        if self.clients.is_empty() {
            return;
        }
        let readers = self.readers.remove(key).unwrap_or_default();
        for (id, client) in &self.clients {
            let told = match &client.broadcast {
                None => readers.contains(id),
                Some(prefixes) => {
                    prefixes.is_empty() || prefixes.iter().any(|prefix| key.starts_with(prefix))
                }
            };
            if told {
                client.tell(Reply::Array(vec![Reply::Bulk(key.clone())]));
            }
        }
    }

    /// Nothing is left: everybody is told that.
    pub(super) fn cleared(&mut self) {
        self.readers.clear();
        self.clients.values().for_each(|client| client.tell(Reply::Null));
    }
}

impl Tracker {
    fn tell(&self, keys: Reply) {
        // A closed outbox is a connection that is just going away.
        let _ = self.outbox.send(Reply::Push(vec![Reply::text("invalidate"), keys]));
    }
}
