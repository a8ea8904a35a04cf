//! Who is connected: what `CLIENT LIST` shows.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

#[derive(Default)]
pub(super) struct Clients {
    connected: Mutex<BTreeMap<u64, Client>>,
    ids: AtomicU64,
}

/// One connection, as others see it.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) peer: SocketAddr,
    pub(super) since: Instant,
    pub(super) last: Instant,
    pub(super) name: String,
    pub(super) library: String,
    pub(super) library_version: String,
    pub(super) user: String,
    pub(super) command: String,
    pub(super) resp: u8,
    pub(super) channels: usize,
    pub(super) patterns: usize,
}

impl Clients {
    fn connected(&self) -> MutexGuard<'_, BTreeMap<u64, Client>> {
        self.connected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, peer: SocketAddr) -> u64 {
        let id = self.ids.fetch_add(1, Ordering::Relaxed) + 1;
        let now = Instant::now();
        let client = Client {
            peer,
            since: now,
            last: now,
            name: String::new(),
            library: String::new(),
            library_version: String::new(),
            user: "default".to_owned(),
            command: "NULL".to_owned(),
            resp: 2,
            channels: 0,
            patterns: 0,
        };
        self.connected().insert(id, client);
        id
    }

    pub(super) fn remove(&self, id: u64) {
        self.connected().remove(&id);
    }

    pub(super) fn update(&self, id: u64, change: impl FnOnce(&mut Client)) {
        if let Some(client) = self.connected().get_mut(&id) {
            change(client);
        }
    }

    pub(super) fn name(&self, id: u64) -> String {
        self.connected().get(&id).map(|client| client.name.clone()).unwrap_or_default()
    }

    pub(super) fn count(&self) -> usize {
        self.connected().len()
    }

    /// One line for each, or for one.
    pub(super) fn lines(&self, only: Option<u64>, port: u16) -> String {
        let mut text = String::new();
        for (id, client) in self.connected().iter().filter(|(id, _)| only.is_none_or(|only| only == **id)) {
            let now = Instant::now();
            let (age, idle) = ((now - client.since).as_secs(), (now - client.last).as_secs());
            let Client {
                peer, name, library, library_version, user, command, resp, channels, patterns, ..
            } = client;
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "id={id} addr={peer} laddr=127.0.0.1:{port} fd=8 name={name} age={age} idle={idle} flags=N db=0 \
                 sub={channels} psub={patterns} ssub=0 multi=-1 watch=0 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 \
                 rbs=1024 rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r cmd={command} user={user} redir=-1 resp={resp} \
                 lib-name={library} lib-ver={library_version}"
            );
        }
        text
    }
}
