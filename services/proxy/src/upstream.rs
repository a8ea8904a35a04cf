//! The server behind, and how to reach it.

use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, RootCertStore};
use std::fmt;
use std::path::Path;
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
    /// By TLS; its certificate must name `host`.
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

/// TLS 1.2 and 1.3 with ring, trusting the system's roots, Mozilla's and those of `ca_file` (PEM). Make one for all
/// upstreams: sessions resume.
///
/// # Errors
/// A sentence that names the file, if it cannot be read or has no certificate.
pub fn tls_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca_file {
        add_ca_file(&mut roots, path).map_err(|reason| format!("{}: {reason}", path.display()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS is not available: {error}"))?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

fn add_ca_file(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())?;
    let before = roots.len();
    for certificate in certificates {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    match roots.len() > before {
        true => Ok(()),
        false => Err("it must be a PEM file with at least one certificate".to_owned()),
    }
}
