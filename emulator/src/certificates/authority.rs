//! A certificate authority made at start, and the one server certificate that it signs.

use crate::Error;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// What the server certificate is good for besides the names of the caches: loopback, and the authorities for which a
/// test may let it stand by a line in a hosts file or a proxy.
const NAMES: [&str; 6] = [
    "localhost",
    "127.0.0.1",
    "::1",
    "login.microsoftonline.com",
    "login.partner.microsoftonline.cn",
    "login.microsoftonline.us",
];

pub(crate) struct Authority {
    pem: String,
    server: Arc<ServerConfig>,
}

impl Authority {
    /// `caches` are the names by which clients know the caches.
    pub(crate) fn new(caches: &[&str]) -> Result<Self, Error> {
        Self::make(caches).map_err(|error| Error::of_machine(format!("cannot make certificates: {error}")))
    }

    fn make(caches: &[&str]) -> Result<Self, Box<dyn std::error::Error>> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "entrakey emulator CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        let issuer = Issuer::new(params, key);

        let mut leaf = CertificateParams::new(
            [&NAMES, caches].concat().into_iter().map(str::to_owned).collect::<Vec<_>>(),
        )?;
        leaf.distinguished_name.push(DnType::CommonName, "entrakey emulator");
        leaf.use_authority_key_identifier_extension = true; // Python 3.13 refuses chains without it
        let leaf_key = KeyPair::generate()?;
        let leaf = leaf.signed_by(&leaf_key, &issuer)?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
        let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone(), certificate.der().clone()], private)?;
        Ok(Self { pem: certificate.pem(), server: Arc::new(server) })
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    pub(crate) fn tls_acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.server.clone())
    }
}
