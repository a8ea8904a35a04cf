//! From where the certificate and its key are to the assertion of one request.

use super::{ClientCertificate, Content, Material, Signing, fault::invalid, pem, sniff};
use crate::config::{Application, CertificateFrom, Place};
use crate::error::Result;
use crate::identity::file::{self, Stamp};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use zeroize::Zeroizing;

/// Keeps what it has read until a file changes: the password of a key may take a second of computing.
#[derive(Default)]
pub(in crate::identity) struct Signer(Mutex<Option<(Option<Stamp>, Arc<ClientCertificate>)>>);

impl Signer {
    /// Times are those of Entra's clock, which this machine's is ahead of by `skew_ms`.
    pub(in crate::identity) fn assertion(
        &self,
        application: &Application,
        from: &CertificateFrom,
        skew_ms: i64,
    ) -> Result<Zeroizing<String>> {
        let certificate = self.certificate(from)?;
        let Application { authority_host, tenant_id, client_id, .. } = application;
        let audience = format!("{authority_host}/{tenant_id}/oauth2/v2.0/token");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let now = now.saturating_add_signed(-skew_ms / 1000);
        certificate.assertion(client_id, &audience, Signing { send_chain: from.send_chain }, now)
    }

    fn certificate(&self, from: &CertificateFrom) -> Result<Arc<ClientCertificate>> {
        let stamp = stamp(from); // before the files are read: a change in between is seen next time
        let mut loaded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, certificate)) = loaded.as_ref().filter(|(before, _)| *before == stamp) {
            return Ok(certificate.clone());
        }
        let certificate = Arc::new(load(from)?);
        *loaded = Some((stamp, certificate.clone()));
        Ok(certificate)
    }
}

/// The state of the files that the certificate comes from.
pub(in crate::identity) fn stamp(from: &CertificateFrom) -> Option<Stamp> {
    let places = [&from.certificate, &from.private_key].into_iter().flatten();
    file::stamp(places.filter_map(|place| match place {
        Place::File { path, .. } => Some(Path::new(path)),
        Place::Value(_) => None,
    }))
}

/// For an error about what came out of base64.
const OF_BASE64: &str = "(That is what its base64 stands for, which has no line -----BEGIN ... before it.)";

fn load(from: &CertificateFrom) -> Result<ClientCertificate> {
    let certificate = from.certificate.as_ref().map(read).transpose()?;
    let decoded = certificate.as_ref().and_then(|bytes| pem::unarmoured(bytes));
    let is_base64 = decoded.is_some();
    let certificate = decoded.or(certificate);
    let private_key = from.private_key.as_ref().map(read).transpose()?;
    let private_key = private_key.as_ref().map(|bytes| text(bytes)).transpose()?;
    let password = from.password.as_deref().map(String::as_str);
    let content = certificate.as_ref().map(|bytes| sniff(bytes)).transpose();
    let content = content.map_err(|error| error.with_sentence(if is_base64 { OF_BASE64 } else { "" }))?;
    let material = match (&from.thumbprint, private_key, content) {
        (Some(sha1), Some(private_key), certificate) => {
            let certificate = certificate.map(of_pem).transpose()?;
            Material::Thumbprint { sha1, private_key, password, certificate }
        }
        (_, private_key, Some(Content::Pem(certificate))) => {
            Material::Pem { certificate, private_key, password }
        }
        (_, None, Some(Content::Pfx(bytes))) => Material::Pfx { bytes, password },
        (_, Some(_), Some(Content::Pfx(_))) => {
            return Err(invalid("A PFX has its key in it: leave private_key_path and private_key out."));
        }
        (_, _, None) => return Err(invalid("There is no certificate: set certificate_path.")),
    };
    ClientCertificate::load(material)
}

fn of_pem(content: Content<'_>) -> Result<&str> {
    match content {
        Content::Pem(text) => Ok(text),
        Content::Pfx(_) => {
            Err(invalid("With certificate_thumbprint the certificate must be in PEM, or left out."))
        }
    }
}

fn read(place: &Place) -> Result<Zeroizing<Vec<u8>>> {
    match place {
        Place::Value(text) => Ok(Zeroizing::new(text.as_bytes().to_vec())),
        Place::File { key, path } => file::read_bytes(key, path),
    }
}

fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| invalid("The private key is not in PEM (-----BEGIN ...)."))
}
