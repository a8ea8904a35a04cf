//! The way to the server: its name, TCP, TLS.

use super::auth::sign_in;
use super::connection::Connection;
use super::finding::Finding;
use super::resolver::Resolver;
use super::subject::Subject;
use super::{name, tcp, tls};
use entrakey_core::{Provider, Token};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio_rustls::rustls::ClientConfig;

/// The way to the server, once it is open.
pub(crate) struct Way {
    /// The address that answered.
    pub(crate) address: SocketAddr,
    pub(super) tls: Arc<ClientConfig>,
    /// The server's name, as its certificate has it.
    pub(super) host: String,
    pub(crate) connection: Box<Connection>,
}

impl Way {
    /// Looks for the way, at one address of the name after the other. A finding for each step.
    pub(crate) fn find(
        provider: &Provider,
        resolver: &Resolver,
        subject: &Subject,
    ) -> ([Finding; 3], Option<Self>) {
        let named = name::gather(resolver, &subject.host);
        let tried = tcp::gather(named.found.as_deref().unwrap_or_default(), subject.port);
        let reached = tcp::reached(&tried);
        let name = name::diagnose(&named, reached.is_some(), subject);
        let tcp = match named.found.is_ok() {
            true => tcp::diagnose(&tried, subject),
            false => Finding::skipped(tcp::STEP, "the name has no address"),
        };
        let Some(address) = reached else {
            return ([name, tcp, Finding::skipped(tls::STEP, "there is no TCP connection")], None);
        };
        let config = match provider.server_tls() {
            Ok(config) => Arc::new(config),
            Err(error) => return ([name, tcp, Finding::undetermined(tls::STEP, error.message())], None),
        };
        let (evidence, connection) = tls::gather(address, &config, subject);
        let way = connection.map(|connection| Self {
            address,
            tls: config,
            host: subject.host.clone(),
            connection,
        });
        ([name, tcp, tls::diagnose(&evidence, subject)], way)
    }

    /// Another connection there.
    pub(super) fn open(&self) -> io::Result<Box<Connection>> {
        Connection::open(self.address, self.tls.clone(), &self.host)
    }

    /// Another connection, to another port of the same name.
    pub(crate) fn open_at(&self, port: u16) -> io::Result<Box<Connection>> {
        Connection::open(SocketAddr::new(self.address.ip(), port), self.tls.clone(), &self.host)
    }

    /// Another connection, signed in; the error is a phrase.
    pub(super) fn signed_in(&self, provider: &Provider, token: &Token) -> Result<Box<Connection>, String> {
        let mut connection =
            self.open().map_err(|error| format!("no second connection could be made: {error}"))?;
        match sign_in(&mut connection, token, provider).failure() {
            None => Ok(connection),
            Some(reason) => Err(reason),
        }
    }
}
