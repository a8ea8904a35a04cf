//! TLS for ureq: rustls with ring, and the roots that we choose.
//!
//! ureq's own connector takes certificates only, not trust anchors, so it could not merge the system's
//! store with the bundled one; this is the same few lines around a configuration of ours.

use super::pin::Pinned;
use super::presented::Explaining;
use crate::config::{CaFile, Settings, Thumbprint, TrustPaths};
use crate::error::{Error, ErrorKind, Result};
use crate::files;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::fmt;
use std::io::{Read as _, Write as _};
use std::sync::Arc;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector as UreqConnector, Either, LazyBuffers, NextTimeout, Transport,
    TransportAdapter, time,
};

/// The client side of TLS 1.2 and 1.3, trusting the system's roots, Mozilla's and `ca_file`, for a token request.
/// With `pin`: that one certificate instead.
pub(super) fn client_config(settings: &Settings, pin: Option<Thumbprint>) -> Result<ClientConfig> {
    let mut config = resuming_config(settings, pin)?;
    // One request an hour gains nothing from resumption, and its cache is a lock that a fork could inherit.
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// The same for any number of connections, whose sessions resume.
pub(crate) fn resuming_config(settings: &Settings, pin: Option<Thumbprint>) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal(&format!("TLS is not available: {error}.")))?;
    let builder = match pin {
        None => {
            let verifier =
                WebPkiServerVerifier::builder_with_provider(roots(settings)?.into(), provider).build();
            let verifier =
                verifier.map_err(|error| Error::internal(&format!("TLS is not available: {error}.")))?;
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Explaining(verifier)))
        }
        Some(thumbprint) => {
            builder.dangerous().with_custom_certificate_verifier(Pinned::new(thumbprint, provider))
        }
    };
    Ok(builder.with_no_client_auth())
}

fn roots(settings: &Settings) -> Result<RootCertStore> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add_parsable_certificates(system_roots(&settings.trust));
    if let Some(file) = &settings.ca_file {
        add_ca_file(&mut roots, file)?;
    }
    Ok(roots)
}

/// Trouble with the system's store is no reason to stop: the bundled roots know Entra's issuers.
fn system_roots(trust: &TrustPaths) -> Vec<CertificateDer<'static>> {
    // Where the system keeps files they were looked for when the provider was made; asking again would read the
    // environment. macOS and Windows have a store of another kind.
    #[cfg(any(windows, target_os = "macos"))]
    if trust.file.is_none() && trust.dirs.is_empty() {
        return rustls_native_certs::load_native_certs().certs;
    }
    let file = rustls_native_certs::load_certs_from_paths(trust.file.as_deref(), None);
    let dirs = trust.dirs.iter().map(|dir| rustls_native_certs::load_certs_from_paths(None, Some(dir)));
    std::iter::once(file).chain(dirs).flat_map(|loaded| loaded.certs).collect()
}

/// The bundle of a whole system has a quarter of that size.
const MAX_CA_FILE_BYTES: u64 = 1 << 20;

fn add_ca_file(roots: &mut RootCertStore, CaFile { path, label }: &CaFile) -> Result<()> {
    let refuse = |reason: String| {
        let path = path.display();
        Error::new(
            ErrorKind::InvalidConfig,
            format!("{label}: {path}: {reason}. It must be a PEM file with at least one certificate."),
        )
    };
    let bytes = files::read(path, MAX_CA_FILE_BYTES).map_err(|error| refuse(error.to_string()))?;
    let certificates = CertificateDer::pem_slice_iter(&bytes);
    let before = roots.len();
    for certificate in certificates {
        // Upstream's words show bytes as numbers.
        let certificate =
            certificate.map_err(|_| refuse("a block in it has no end line or is not base64".to_owned()))?;
        roots.add(certificate).map_err(|_| refuse("a certificate in it cannot be read".to_owned()))?;
    }
    if roots.len() == before {
        return Err(refuse("no certificate in it".to_owned()));
    }
    Ok(())
}

/// Wraps a TCP connection in TLS when the URL says https.
pub(super) struct Connector {
    config: Option<Arc<ClientConfig>>,
}

impl Connector {
    pub(super) fn new(config: Option<Arc<ClientConfig>>) -> Self {
        Self { config }
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tls::Connector")
    }
}

impl<In: Transport> UreqConnector<In> for Connector {
    type Out = Either<In, TlsTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let Some(transport) = chained else { return Ok(None) };
        if !details.needs_tls() || transport.is_tls() {
            return Ok(Some(Either::A(transport)));
        }
        let config = self.config.clone().ok_or(ureq::Error::Tls("https was not expected here"))?;
        let host = details.uri.host().unwrap_or_default();
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
            .map_err(|_| ureq::Error::Tls("the host name is not valid for TLS"))?;
        let mut connection = ClientConnection::new(config, name).map_err(ureq::Error::Rustls)?;
        let mut socket = TransportAdapter::new(transport.boxed(), details.current_time.clone());
        socket.set_timeout(left_of(details));
        connection.complete_io(&mut socket)?;
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        Ok(Some(Either::B(TlsTransport { buffers, stream: StreamOwned::new(connection, socket) })))
    }
}

/// What the TCP connection has left of the time for connecting: the handshake gets no budget of its own.
fn left_of(details: &ConnectionDetails<'_>) -> NextTimeout {
    let mut timeout = details.timeout;
    if let (time::Duration::Exact(whole), time::Instant::Exact(start)) = (timeout.after, details.now) {
        timeout.after = time::Duration::Exact(whole.saturating_sub(start.elapsed()));
    }
    timeout
}

/// A connection inside TLS, as ureq drives it.
pub(super) struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.get_mut().set_timeout(timeout);
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        self.stream.write_all(output)?;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.get_mut().set_timeout(timeout);
        let amount = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.get_mut().get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsTransport")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Environment};
    use crate::transport::{Endpoint, Outgoing, Transport};
    use rcgen::{CertificateParams, KeyPair};
    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    use rustls::{ServerConfig, ServerConnection};
    use std::net::TcpListener;
    use std::time::Duration;

    /// A server on loopback that gives every client that trusts it a token, and its certificate in PEM.
    fn server() -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        let der = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], der)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("https://localhost:{}/token", listener.local_addr().unwrap().port());
        std::thread::spawn(move || {
            while let Ok((socket, _)) = listener.accept() {
                let mut stream = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), socket);
                let body = r#"{"access_token":"opaque","expires_in":3600}"#;
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
                if stream.read(&mut [0; 4096]).is_ok() {
                    let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.flush());
                }
            }
        });
        (address, certificate.pem())
    }

    #[test]
    fn a_file_of_authorities_that_is_damaged_is_told_in_words() {
        let whole = server().1;
        let cut = whole[..whole.len() / 2].to_owned();
        let odd = whole.replacen("MII", "!!!", 1);
        let empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned();
        for (name, text, part) in
            [("cut", cut, "no end line"), ("odd", odd, "base64"), ("empty", empty, "cannot be read")]
        {
            let path = std::env::temp_dir().join(format!("entrakey-ca-{name}-{}.pem", std::process::id()));
            std::fs::write(&path, text).unwrap();
            let file = CaFile { path: path.clone(), label: "ca_file (set in code)".to_owned() };
            let error = add_ca_file(&mut RootCertStore::empty(), &file).unwrap_err();
            std::fs::remove_file(&path).unwrap();
            assert!(error.message().contains(part) && !error.message().contains('['), "{error}");
        }
    }

    #[test]
    fn roots_that_could_not_be_read_are_read_again_and_so_are_those_that_no_longer_serve() {
        let (address, pem) = server();
        let path = std::env::temp_dir().join(format!("entrakey-roots-{}.pem", std::process::id()));
        let mut environment = Environment::of([]);
        environment.trust = TrustPaths { file: Some(path.clone()), ..TrustPaths::default() };
        let mut config = Config::new();
        config.set("identity", "managed_identity").unwrap();
        config.set("username", "me").unwrap();
        let settings = Arc::new(Settings::resolve(&config, environment).unwrap());
        let transport = Transport::new(Endpoint::AppService, settings);
        let request = Outgoing { url: address.parse().unwrap(), headers: Vec::new(), form: None };
        let fetch = || transport.fetch(&request, Duration::from_secs(20));
        let said = |outcome: Result<crate::grant::Grant>| outcome.err().unwrap().to_string();
        assert!(said(fetch()).contains("signed by itself"), "there is no such file yet");
        std::fs::write(&path, &pem[..pem.len() / 2]).unwrap();
        assert!(said(fetch()).contains("signed by itself"), "it is being written");
        std::fs::write(&path, &pem).unwrap();
        assert_eq!(fetch().unwrap().secret.as_str(), "opaque");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(fetch().unwrap().secret.as_str(), "opaque", "what serves is kept");
    }
}
