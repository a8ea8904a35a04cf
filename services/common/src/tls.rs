//! The certificate that a service shows to its clients.

use std::io::{Error, ErrorKind, Result};
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};

/// TLS 1.2 and 1.3 with the certificate (and those that vouch for it) and the private key of two PEM files.
///
/// # Errors
/// A file cannot be read, holds nothing of the kind, or the two do not belong together.
pub fn server_config(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>> {
    let refuse = |path: &Path, what: String| {
        Error::new(ErrorKind::InvalidInput, format!("{}: {what}", path.display()))
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| {
        refuse(certificate, format!("no certificate in PEM can be read from it ({error})"))
    })?;
    if chain.is_empty() {
        return Err(refuse(certificate, "there is no certificate in PEM in it".to_owned()));
    }
    let private = PrivateKeyDer::from_pem_file(key);
    // The error of a key may not quote it.
    let private = private.map_err(|_| refuse(key, "no private key in PEM can be read from it".to_owned()))?;
    let unfit = |error| {
        refuse(certificate, format!("it cannot be shown with the key of {} ({error})", key.display()))
    };
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private));
    config.map(Arc::new).map_err(unfit)
}
