//! A certificate that is registered for an application: what Entra keeps of it.

use super::CertificateFiles;
use super::fabric::hex;
use crate::Error;
use crate::home::Home;
use crate::rsa_key::new_rsa_key;
use jsonwebtoken::DecodingKey;
use rcgen::{CertificateParams, DnType, KeyPair};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;
use x509_parser::pem::Pem;
use x509_parser::public_key::PublicKey;

#[derive(Clone)]
pub(crate) struct ClientCertificate {
    pub(crate) der: Vec<u8>,
    pub(crate) key: DecodingKey,
    /// Seconds since the Unix epoch.
    validity: RangeInclusive<i64>,
    /// Where a client finds it and its key, if that is known.
    pub(crate) files: Option<CertificateFiles>,
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientCertificate").field(&self.thumbprint()).finish()
    }
}

impl ClientCertificate {
    /// The first certificate in a PEM text. Entra takes RSA keys only.
    pub(crate) fn from_pem(pem: &str, files: Option<CertificateFiles>) -> Result<Self, String> {
        let block = Pem::iter_from_buffer(pem.as_bytes())
            .filter_map(Result::ok)
            .find(|block| block.label == "CERTIFICATE")
            .ok_or("it has no CERTIFICATE block")?;
        let certificate = block.parse_x509().map_err(|error| error.to_string())?;
        let key = match certificate.public_key().parsed().map_err(|error| error.to_string())? {
            PublicKey::RSA(key) => {
                let modulus =
                    key.modulus.iter().position(|byte| *byte != 0).and_then(|at| key.modulus.get(at..));
                DecodingKey::from_rsa_raw_components(modulus.unwrap_or_default(), key.exponent)
            }
            _ => return Err("its key is not RSA".to_owned()),
        };
        let validity = certificate.validity();
        let validity = validity.not_before.timestamp()..=validity.not_after.timestamp();
        Ok(Self { der: block.contents, key, validity, files })
    }

    /// Makes one for an application and writes it and its key to the emulator's folder.
    pub(crate) fn generate(app: &str, home: &Home) -> Result<Self, Error> {
        let refuse = |reason: String| Error::new(format!("cannot make a certificate for an app: {reason}"));
        let (certificate, key) = make(app).map_err(|error| refuse(error.to_string()))?;
        let files = CertificateFiles::generated_for(app, home);
        home.write(&files.certificate, &certificate)?;
        home.write(&files.private_key, &key)?;
        if let Some(both) = &files.both {
            home.write(both, &format!("{certificate}{key}"))?;
        }
        Self::from_pem(&certificate, Some(files)).map_err(refuse)
    }

    pub(crate) fn is_valid(&self, now: Duration) -> bool {
        i64::try_from(now.as_secs()).is_ok_and(|now| self.validity.contains(&now))
    }

    /// SHA-1 of the certificate: `x5t`.
    pub(crate) fn sha1(&self) -> Vec<u8> {
        digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.der).as_ref().to_vec()
    }

    /// SHA-256 of the certificate: `x5t#S256`.
    pub(crate) fn sha256(&self) -> Vec<u8> {
        digest(&SHA256, &self.der).as_ref().to_vec()
    }

    /// As the portal shows it.
    pub(crate) fn thumbprint(&self) -> String {
        hex(&self.sha1())
    }
}

/// A certificate and its key (PKCS#8), PEM.
fn make(app: &str) -> Result<(String, String), Box<dyn std::error::Error>> {
    let key = new_rsa_key()?.to_pkcs8_pem(LineEnding::LF)?;
    let pair = KeyPair::from_pem(&key)?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, app);
    Ok((params.self_signed(&pair)?.pem(), key.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read_again_and_says_the_same() {
        let home = Home::create().unwrap();
        let made = ClientCertificate::generate("app", &home).unwrap();
        let files = made.files.clone().unwrap();
        let read = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
        let (certificate, key) = (read(&files.certificate), read(&files.private_key));
        assert!(key.starts_with("-----BEGIN PRIVATE KEY-----"), "PKCS#8");
        assert_eq!(read(&files.both.unwrap()), format!("{certificate}{key}"));
        let again = ClientCertificate::from_pem(&format!("{key}{certificate}"), None).unwrap();
        assert_eq!(again.thumbprint(), made.thumbprint());
        assert!(again.is_valid(Duration::from_secs(1_800_000_000)));
        assert!(!again.is_valid(Duration::ZERO), "the range of rcgen starts in 1975");
        assert_eq!(ClientCertificate::from_pem(&key, None).unwrap_err(), "it has no CERTIFICATE block");
        let elliptic = rcgen::generate_simple_self_signed(["x".to_owned()]).unwrap().cert.pem();
        assert_eq!(ClientCertificate::from_pem(&elliptic, None).unwrap_err(), "its key is not RSA");
        home.remove();
    }
}
