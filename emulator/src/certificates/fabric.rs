//! Service Fabric's endpoint has a self-signed certificate: clients know it by its thumbprint.

use crate::Error;
use ::ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use rcgen::{CertificateParams, DnType, KeyPair};
use std::fmt::Write as _;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

pub(crate) struct Fabric {
    pub(crate) acceptor: TlsAcceptor,
    /// SHA-1 in capital hexadecimal digits, as `IDENTITY_SERVER_THUMBPRINT` has it.
    pub(crate) thumbprint: String,
}

impl Fabric {
    pub(crate) fn new() -> Result<Self, Error> {
        Self::make()
            .map_err(|error| Error::of_machine(format!("cannot make Service Fabric's certificate: {error}")))
    }

    fn make() -> Result<Self, Box<dyn std::error::Error>> {
        let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, "entrakey emulator Service Fabric");
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)?;
        let thumbprint = hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate.der()).as_ref());
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(server)), thumbprint })
    }
}

/// In capital letters, as Microsoft writes thumbprints.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}"); // writing to a string cannot fail
        text
    })
}
