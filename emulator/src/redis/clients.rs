//! The connected clients: what `CLIENT LIST` shows, and how a connection is ended from elsewhere.

use super::blocked::{Unblock, Wait};
use super::commands::Catalogue;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::Instant;

pub(super) struct Clients {
    /// Names the last command of each client.
    catalogue: &'static Catalogue,
    connected: Mutex<BTreeMap<u64, Arc<Client>>>,
    ids: AtomicU64,
}

/// One connection, as other connections see it.
pub(super) struct Client {
    pub(super) id: u64,
    pub(super) peer: SocketAddr,
    /// The port that it came to.
    port: u16,
    /// The node that serves it.
    pub(super) node: u16,
    since: Instant,
    /// When its last command came, in milliseconds after `since`; and which that was, by its place in the table.
    last: AtomicU64,
    command: AtomicUsize,
    details: Mutex<Details>,
    /// A command of it may wait for an element of a list.
    pub(super) wait: Wait,
    /// Told when the connection is to end.
    pub(super) ended: Notify,
}

/// What seldom changes about a client.
#[derive(Clone)]
pub(super) struct Details {
    pub(super) name: String,
    pub(super) library: String,
    pub(super) library_version: String,
    pub(super) user: String,
    pub(super) resp: u8,
    pub(super) channels: usize,
    pub(super) patterns: usize,
    pub(super) shard_channels: usize,
    /// How many commands wait for EXEC.
    pub(super) queued: Option<usize>,
    /// It is told of keys that change.
    pub(super) tracking: bool,
}

/// The user of a connection that has not been authenticated.
pub(super) const DEFAULT_USER: &str = "default";

impl Default for Details {
    fn default() -> Self {
        Self {
            name: String::new(),
            library: String::new(),
            library_version: String::new(),
            user: DEFAULT_USER.to_owned(),
            resp: 2,
            channels: 0,
            patterns: 0,
            shard_channels: 0,
            queued: None,
            tracking: false,
        }
    }
}

impl Client {
    pub(super) fn details(&self) -> MutexGuard<'_, Details> {
        self.details.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A command has come; `index` is its place in the table.
    pub(super) fn note_command(&self, index: usize) {
        let age = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(age, Ordering::Relaxed);
        self.command.store(index, Ordering::Relaxed);
    }

    fn line(&self, catalogue: &Catalogue) -> String {
        let age = self.since.elapsed();
        let idle = age.as_secs() - (self.last.load(Ordering::Relaxed) / 1000).min(age.as_secs());
        let command = catalogue.commands().get(self.command.load(Ordering::Relaxed));
        let command = command.map_or("NULL".to_owned(), |command| command.name.to_ascii_lowercase());
        let details = self.details().clone();
        let subscribed = details.channels + details.patterns + details.shard_channels > 0;
        let all = [
            ("P", subscribed),
            ("x", details.queued.is_some()),
            ("b", self.wait.is_under_way()),
            ("t", details.tracking),
        ];
        let flags: String = all.iter().filter_map(|(flag, holds)| holds.then_some(*flag)).collect();
        let flags = if flags.is_empty() { "N" } else { &flags };
        format!(
            "id={} addr={} laddr=127.0.0.1:{} fd=8 name={} age={} idle={idle} flags={flags} db=0 sub={} psub={} \
             ssub={} multi={} watch=0 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=1024 rbp=0 obl=0 oll=0 omem=0 \
             tot-mem=0 events=r cmd={command} user={} redir=-1 resp={} lib-name={} lib-ver={}",
            self.id,
            self.peer,
            self.port,
            details.name,
            age.as_secs(),
            details.channels,
            details.patterns,
            details.shard_channels,
            details.queued.map_or(-1, |queued| i64::try_from(queued).unwrap_or(i64::MAX)),
            details.user,
            details.resp,
            details.library,
            details.library_version,
        )
    }
}

impl Clients {
    pub(super) fn new(catalogue: &'static Catalogue) -> Self {
        Self { catalogue, connected: Mutex::default(), ids: AtomicU64::default() }
    }

    fn connected(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Client>>> {
        self.connected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, peer: SocketAddr, port: u16, node: u16) -> Arc<Client> {
        let client = Arc::new(Client {
            id: self.ids.fetch_add(1, Ordering::Relaxed) + 1,
            peer,
            port,
            node,
            since: Instant::now(),
            last: AtomicU64::new(0),
            command: AtomicUsize::new(usize::MAX),
            details: Mutex::default(),
            wait: Wait::default(),
            ended: Notify::new(),
        });
        self.connected().insert(client.id, client.clone());
        client
    }

    pub(super) fn remove(&self, id: u64) {
        self.connected().remove(&id);
    }

    /// How many the node serves.
    pub(super) fn count(&self, node: u16) -> usize {
        self.connected().values().filter(|client| client.node == node).count()
    }

    /// How many there are, and how many of them have signed in as another than the default user: with a token.
    pub(super) fn counts(&self) -> (usize, usize) {
        let connected = self.connected();
        let with_token = connected.values().filter(|client| client.details().user != DEFAULT_USER).count();
        (connected.len(), with_token)
    }

    /// Ends those of which `which` holds. Returns how many.
    pub(super) fn end(&self, which: impl Fn(&Client) -> bool) -> usize {
        let connected = self.connected();
        let chosen = connected.values().filter(|client| which(client));
        chosen.map(|client| client.ended.notify_one()).count()
    }

    /// Ends the command with which a client waits. False if there is none.
    pub(super) fn unblock(&self, id: i64, how: Unblock) -> bool {
        let client = u64::try_from(id).ok().and_then(|id| self.connected().get(&id).cloned());
        client.is_some_and(|client| client.wait.end(how))
    }

    /// One line for each that the node serves.
    pub(super) fn lines(&self, node: u16) -> String {
        let clients: Vec<_> =
            self.connected().values().filter(|client| client.node == node).cloned().collect();
        let mut text = String::new();
        for client in clients {
            let _ = writeln!(text, "{}", client.line(self.catalogue)); // writing to a string cannot fail
        }
        text
    }

    /// The line of one client.
    pub(super) fn info(&self, client: &Client) -> String {
        client.line(self.catalogue) + "\n"
    }
}
