//! The server behind, and how to reach it.

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How long a connect may take if nothing else is said: cloud-sql-proxy's limit.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// A server, and how to reach it.
#[derive(Clone)]
pub struct Upstream {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    pub(crate) connect_timeout: Duration,
}

impl Upstream {
    /// By TLS, as [`entrakey_core::Provider::server_tls`] has it; its certificate must name `host`.
    ///
    /// # Errors
    /// A sentence, if `host` is neither a DNS name nor an address.
    pub fn verified(host: &str, port: u16, config: Arc<ClientConfig>) -> Result<Self, String> {
        let host = host.trim_matches(['[', ']']);
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| format!("\"{host}\" is neither a host name nor an address"))?;
        let host = host.to_owned();
        Ok(Self { host, port, tls: Some((config, name)), connect_timeout: CONNECT_TIMEOUT })
    }

    /// Without TLS: to this machine only, for tests. Whoever reads a token can use it.
    ///
    /// # Errors
    /// `INVALID_CONFIG` if `host` is not loopback.
    pub fn plaintext(host: &str, port: u16) -> Result<Self, entrakey_core::Error> {
        entrakey_core::check_plaintext(host, host, "leave plaintext out, Azure's Redis has TLS")?;
        let host = host.trim_matches(['[', ']']).to_owned();
        Ok(Self { host, port, tls: None, connect_timeout: CONNECT_TIMEOUT })
    }

    /// How long it may take until a connection is authenticated, from waiting for a token on: 30 s if not said.
    #[must_use]
    pub fn with_connect_timeout(self, connect_timeout: Duration) -> Self {
        Self { connect_timeout, ..self }
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upstream({self})")
    }
}
