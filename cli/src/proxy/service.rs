//! One upstream and its clients, as a service: who is let in, what is logged and counted.

use super::endpoint::Endpoint;
use super::peer::Peer;
use entrakey_proxy::{By, ClientStream, Ended, Nodes, Proxy};
use entrakey_service::{Connections, Life, Log, Repeats, Severity, Stage, Workers};
use std::fmt::Display;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio_rustls::TlsAcceptor;

/// A client's handshake, which takes a moment.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// One upstream.
pub(super) struct Service {
    /// No other upstream's.
    pub(super) name: String,
    pub(super) server: Endpoint,
    /// How many connections are kept ready for each of its ports.
    pub(super) warm: usize,
    /// The ports of the server's nodes, if it is a cluster.
    pub(super) nodes: Nodes,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) has_password: bool,
    /// Empty: everybody that the socket's mode lets in.
    pub(super) allowed: Vec<u32>,
    pub(super) shared: Shared,
    pub(super) refused: Refused,
    /// What clients do wrong: others do it right meanwhile.
    pub(super) misuses: Repeats,
}

/// What all upstreams of the process have in common.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) connections: Connections,
    pub(super) workers: Workers,
    pub(super) life: Life,
    pub(super) log: Log,
}

/// How a client has come.
#[derive(Clone, Copy)]
pub(super) struct Arrival {
    pub(super) from: Peer,
    /// The address of this machine.
    pub(super) reached: Option<IpAddr>,
}

/// Clients that were turned away before the proxy saw them.
#[derive(Default)]
pub(super) struct Refused {
    pub(super) full: AtomicU64,
    pub(super) user: AtomicU64,
    pub(super) tls: AtomicU64,
}

impl Service {
    /// Serves a client of the endpoint, or of one node, until its connection ends, or the process does.
    pub(super) async fn serve(&self, endpoint: &Endpoint, stream: impl ClientStream, arrival: Arrival) {
        tokio::select! {
            () = self.admit(endpoint, stream, arrival) => (),
            () = self.shared.life.reached(Stage::Ended) => (),
        }
    }

    async fn admit(&self, endpoint: &Endpoint, mut stream: impl ClientStream, arrival: Arrival) {
        let Arrival { from, reached } = arrival;
        if !self.is_allowed(&from) {
            self.refused.user.fetch_add(1, Relaxed);
            return self.warn(&self.misuses, from, "the client's user is not one of --allow-uid");
        }
        let _open = match self.shared.connections.admit() {
            Ok(open) => open,
            Err(full) => {
                self.refused.full.fetch_add(1, Relaxed);
                self.warn(&self.misuses, from, full);
                if self.tls.is_none() {
                    let _ = stream.write_all(b"-ERR max number of clients reached\r\n").await; // Redis's own words
                }
                return;
            }
        };
        match &self.tls {
            None => self.ended(endpoint, from, &endpoint.proxy.serve(stream, reached).await),
            Some(acceptor) => match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => {
                    self.ended(endpoint, from, &endpoint.proxy.serve(stream, reached).await);
                }
                Ok(Err(error)) => self.no_tls(from, &error),
                Err(_) => self.no_tls(from, &"it took too long"),
            },
        }
    }

    /// Keeps connections ready for what comes in by that way.
    pub(super) fn keep_warm(&self, proxy: &Proxy) {
        if self.warm > 0 {
            let (proxy, warm) = (proxy.clone(), self.warm);
            tokio::spawn(async move { proxy.keep_warm(warm).await });
        }
    }

    fn is_allowed(&self, from: &Peer) -> bool {
        match from {
            Peer::Tcp(_) => true,
            Peer::Unix { uid } => {
                self.allowed.is_empty() || uid.is_some_and(|uid| self.allowed.contains(&uid))
            }
        }
    }

    fn no_tls(&self, from: Peer, error: &dyn Display) {
        self.refused.tls.fetch_add(1, Relaxed);
        self.warn(&self.misuses, from, format_args!("the client made no TLS connection: {error}"));
    }

    fn ended(&self, endpoint: &Endpoint, from: Peer, ended: &Ended) {
        match (ended.is_failure, ended.by) {
            (true, By::Client) => self.warn(&self.misuses, from, ended),
            (true, By::Upstream | By::Proxy) => self.warn(&endpoint.troubles, from, ended),
            (false, _) => {
                // One that only looks whether the port is open says nothing of the server.
                if ended.had_server {
                    endpoint.troubles.over();
                }
                self.log(Severity::Debug, from, ended);
            }
        }
    }

    /// A client that waits could not be taken.
    pub(super) fn cannot_take(&self, error: &std::io::Error) {
        let remedy = match error.raw_os_error() {
            Some(libc::EMFILE) => {
                ": raise this process's limit of open files, or set --max-connections below it"
            }
            Some(libc::ENFILE) => ": raise the system's limit of open files (sysctl fs.file-max)",
            _ => "",
        };
        let what = format_args!("no client can be taken at the moment: {error}{remedy}");
        self.shared.log.line(Severity::Warning, what, &[("upstream", &self.name)]);
    }

    fn warn(&self, repeats: &Repeats, from: Peer, what: impl Display) {
        let what = what.to_string();
        repeats.warn(&self.shared.log, &what, &what, ("upstream", &self.name), &[("client", &from)]);
    }

    fn log(&self, severity: Severity, from: Peer, what: impl Display) {
        self.shared.log.line(severity, what, &[("upstream", &self.name), ("client", &from)]);
    }
}
