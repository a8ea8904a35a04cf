//! Makes the assertion of one request out of the certificate and the key that the configuration names.

use super::client_certificate::{ClientCertificate, Material, Signing};
use super::content::{Content, sniff};
use super::pem;
use crate::clock::unix_now;
use crate::config::{Application, CertificateSettings, SecretLocation};
use crate::error::{Error, Result};
use crate::identity::credential_file::{self, Stamp};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// Keeps the certificate that it has read until a file changes: the password of a key may take a second of computing.
#[derive(Default)]
pub(in crate::identity) struct Signer(Mutex<Option<(Option<Stamp>, Arc<ClientCertificate>)>>);

impl Signer {
    /// The assertion's times are those of Entra's clock. This machine's clock is ahead of Entra's by `skew_ms`.
    pub(in crate::identity) fn assertion(
        &self,
        application: &Application,
        settings: &CertificateSettings,
        skew_ms: i64,
    ) -> Result<Zeroizing<String>> {
        let certificate = self.certificate(settings)?;
        let Application { authority_host, tenant_id, client_id, .. } = application;
        let audience = format!("{authority_host}/{tenant_id}/oauth2/v2.0/token");
        let now = unix_now().as_secs();
        let now = now.saturating_add_signed(-skew_ms / 1000);
        certificate.assertion(client_id, &audience, Signing { send_chain: settings.send_chain }, now)
    }

    fn certificate(&self, settings: &CertificateSettings) -> Result<Arc<ClientCertificate>> {
        let stamp = stamp(settings); // before the files are read: a change in between is seen next time
        let mut loaded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, certificate)) = loaded.as_ref().filter(|(before, _)| *before == stamp) {
            return Ok(certificate.clone());
        }
        let certificate = Arc::new(load(settings)?);
        *loaded = Some((stamp, certificate.clone()));
        Ok(certificate)
    }
}

/// The state of the files that the certificate comes from.
pub(in crate::identity) fn stamp(settings: &CertificateSettings) -> Option<Stamp> {
    let places = [&settings.certificate, &settings.private_key].into_iter().flatten();
    credential_file::stamp(places.filter_map(|place| match place {
        SecretLocation::File { path, .. } => Some(Path::new(path)),
        SecretLocation::Inline(_) => None,
    }))
}

/// For an error about what came out of base64.
const OF_BASE64: &str = "(That is what its base64 stands for, which has no line -----BEGIN ... before it.)";

fn load(settings: &CertificateSettings) -> Result<ClientCertificate> {
    let certificate = settings.certificate.as_ref().map(read).transpose()?;
    let decoded = certificate.as_ref().and_then(|bytes| pem::unarmoured(bytes));
    let is_base64 = decoded.is_some();
    let certificate = decoded.or(certificate);
    let private_key = settings.private_key.as_ref().map(read).transpose()?;
    let private_key = private_key.as_ref().map(|bytes| text(bytes)).transpose()?;
    let password = settings.password.as_deref().map(String::as_str);
    let content = certificate.as_ref().map(|bytes| sniff(bytes)).transpose();
    let content = content.map_err(|error| error.with_sentence(if is_base64 { OF_BASE64 } else { "" }))?;
    let material = match (&settings.thumbprint, private_key, content) {
        (Some(sha1), Some(private_key), certificate) => {
            let certificate = certificate.map(of_pem).transpose()?;
            Material::Thumbprint { sha1, private_key, password, certificate }
        }
        (_, private_key, Some(Content::Pem(certificate))) => {
            Material::Pem { certificate, private_key, password }
        }
        (_, None, Some(Content::Pfx(bytes))) => Material::Pfx { bytes, password },
        (_, Some(_), Some(Content::Pfx(_))) => {
            return Err(Error::invalid_config(
                "A PFX has its key in it: leave private_key_path and private_key out.",
            ));
        }
        (_, _, None) => return Err(Error::invalid_config("There is no certificate: set certificate_path.")),
    };
    ClientCertificate::load(material)
}

fn of_pem(content: Content<'_>) -> Result<&str> {
    match content {
        Content::Pem(text) => Ok(text),
        Content::Pfx(_) => Err(Error::invalid_config(
            "With certificate_thumbprint the certificate must be in PEM, or left out.",
        )),
    }
}

fn read(place: &SecretLocation) -> Result<Zeroizing<Vec<u8>>> {
    match place {
        SecretLocation::Inline(text) => Ok(Zeroizing::new(text.as_bytes().to_vec())),
        SecretLocation::File { key, path } => credential_file::read_bytes(key, path),
    }
}

fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes)
        .map_err(|_| Error::invalid_config("The private key is not in PEM (-----BEGIN ...)."))
}
