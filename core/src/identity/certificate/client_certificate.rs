//! A certificate with its private key, and what a service principal proves with it: a client assertion.
//!
//! Pure computation: the caller reads the files, knows the time and sends the request.

use super::assertion::{self, Header};
use super::x509::{self, Certificate};
use super::{key, pem, pfx};
use crate::config::{Thumbprint, parse_thumbprint};
use crate::error::{Error, ErrorKind, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use ring::rsa::KeyPair;
use ring::signature::KeyPair as _;
use std::fmt;
use std::time::{Duration, UNIX_EPOCH};
use zeroize::Zeroizing;

const CONVERT_PFX: &str = "openssl pkcs12 -in old.pfx -nodes -out new.pem (with -legacy if it asks for it).";

/// Certificate and key as the configuration gives them.
#[derive(Clone, Copy)]
pub(super) enum Material<'a> {
    /// PEM texts. Without `private_key` the key stands beside the certificate.
    Pem { certificate: &'a str, private_key: Option<&'a str>, password: Option<&'a str> },
    /// PKCS #12. No password is the same as an empty one.
    Pfx { bytes: &'a [u8], password: Option<&'a str> },
    /// A key and the SHA-1 of its certificate in hexadecimal; the certificate itself (PEM) only if it is to be
    /// sent.
    Thumbprint {
        sha1: &'a str,
        private_key: &'a str,
        password: Option<&'a str>,
        certificate: Option<&'a str>,
    },
}

/// How to make an assertion.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Signing {
    /// Sends the certificates along, for applications that trust a subject name and an issuer.
    pub(super) send_chain: bool,
}

/// How the header names the certificate, and with that the algorithm.
enum Name {
    /// By its SHA-256, with PS256.
    Sha256,
    /// By its SHA-1, with RS256.
    Sha1(Thumbprint),
}

/// A certificate and its key, ready to sign.
pub(super) struct ClientCertificate {
    key: KeyPair,
    name: Name,
    /// The leaf first. Empty if only its thumbprint is known.
    chain: Vec<Certificate>,
}

impl ClientCertificate {
    /// Reads and checks what was given. No I/O, but a password may take a second of computing.
    pub(super) fn load(material: Material<'_>) -> Result<Self> {
        match material {
            Material::Pem { certificate, private_key, password } => {
                from_pem(certificate, private_key, password)
            }
            Material::Pfx { bytes, password } => from_pfx(bytes, password),
            Material::Thumbprint { sha1, private_key, password, certificate } => {
                from_thumbprint(sha1, private_key, password, certificate)
            }
        }
    }

    /// The assertion for one request. `audience`: the token endpoint's URL.
    pub(super) fn assertion(
        &self,
        client_id: &str,
        audience: &str,
        how: Signing,
        now_unix_s: u64,
    ) -> Result<Zeroizing<String>> {
        if let Some(leaf) = self.chain.first() {
            valid(leaf, Duration::from_secs(now_unix_s))?;
        }
        assertion::sign(&self.key, &self.header(how)?, client_id, audience, now_unix_s)
    }

    fn header(&self, how: Signing) -> Result<Header> {
        if how.send_chain && self.chain.is_empty() {
            return Err(Error::invalid_config(
                "send_certificate_chain needs the certificate, not its thumbprint alone.",
            ));
        }
        let sent = if how.send_chain { self.chain.as_slice() } else { &[] };
        let x5c = sent.iter().map(|certificate| STANDARD.encode(&certificate.der)).collect();
        Ok(match (&self.name, self.chain.first()) {
            (Name::Sha256, Some(leaf)) => Header::modern(digest(&SHA256, &leaf.der).as_ref(), x5c),
            (Name::Sha256, None) => return Err(Error::internal("A certificate is missing.")),
            (Name::Sha1(sha1), _) => Header::legacy(sha1, x5c),
        })
    }
}

/// Shows nothing of the key.
impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate").field("certificates", &self.chain.len()).finish_non_exhaustive()
    }
}

fn from_pem(
    certificate: &str,
    private_key: Option<&str>,
    password: Option<&str>,
) -> Result<ClientCertificate> {
    let blocks = pem::blocks(certificate)?;
    let certificates = certificates(&blocks)?;
    let key = match private_key {
        Some(text) => key::from_pem(&pem::blocks(text)?, password),
        None => key::from_pem(&blocks, password),
    }?;
    let chain = chain(&key, certificates)?;
    Ok(ClientCertificate { key, name: Name::Sha256, chain })
}

fn from_pfx(bytes: &[u8], password: Option<&str>) -> Result<ClientCertificate> {
    let contents =
        pfx::open(bytes, password).map_err(|error| error.about("The PFX", password, CONVERT_PFX))?;
    let certificates =
        contents.certificates.iter().map(|der| parse(der)).collect::<Result<Vec<Certificate>>>()?;
    if contents.keys.is_empty() {
        return Err(Error::invalid_config("The PFX holds no private key: export it again, with its key."));
    }
    // A PFX may hold several keys. The first reason not to take one is the one to tell.
    let mut reason = None;
    for der in &contents.keys {
        let key = key::pkcs8(der);
        match key.and_then(|key| Ok((chain(&key, certificates.clone())?, key))) {
            Ok((chain, key)) => return Ok(ClientCertificate { key, name: Name::Sha256, chain }),
            Err(error) => reason = reason.or(Some(error)),
        }
    }
    Err(reason.unwrap_or_else(|| Error::internal("No key was tried.")))
}

fn from_thumbprint(
    sha1: &str,
    private_key: &str,
    password: Option<&str>,
    certificate: Option<&str>,
) -> Result<ClientCertificate> {
    let sha1 = parse_thumbprint(sha1).ok_or_else(|| {
        Error::invalid_config(
            "certificate_thumbprint must be the certificate's SHA-1: 40 hexadecimal digits.",
        )
    })?;
    let key = key::from_pem(&pem::blocks(private_key)?, password)?;
    let chain = match certificate {
        Some(text) => chain(&key, certificates(&pem::blocks(text)?)?)?,
        None => Vec::new(),
    };
    if chain.first().is_some_and(|leaf| digest(&SHA1_FOR_LEGACY_USE_ONLY, &leaf.der).as_ref() != sha1) {
        return Err(Error::invalid_config(
            "certificate_thumbprint is that of another certificate: leave it out or correct it.",
        ));
    }
    Ok(ClientCertificate { key, name: Name::Sha1(sha1), chain })
}

fn certificates(blocks: &[pem::Block<'_>]) -> Result<Vec<Certificate>> {
    let found = blocks.iter().filter(|block| block.label == "CERTIFICATE");
    let found = found.map(|block| parse(&block.contents()?)).collect::<Result<Vec<_>>>()?;
    if found.is_empty() {
        return Err(Error::invalid_config(
            "There is no certificate (-----BEGIN CERTIFICATE-----) in what should hold one.",
        ));
    }
    Ok(found)
}

fn parse(der: &[u8]) -> Result<Certificate> {
    Certificate::parse(der)
        .map_err(|error| Error::invalid_config(format!("A certificate is damaged: {error}.")))
}

/// The certificate that belongs to the key, then those that vouch for it.
fn chain(key: &KeyPair, mut certificates: Vec<Certificate>) -> Result<Vec<Certificate>> {
    let public_key = key.public_key().as_ref();
    let leaf =
        certificates.iter().position(|it| it.public_key.as_deref() == Some(public_key)).ok_or_else(|| {
            Error::invalid_config(
                "The certificate and the private key do not belong together: give the key it was made with.",
            )
        })?;
    let leaf = certificates.remove(leaf);
    Ok(x509::chain(leaf, certificates))
}

/// Checks the certificate's dates. Entra would only say AADSTS700027.
fn valid(certificate: &Certificate, now: Duration) -> Result<()> {
    let date = |since: Duration| httpdate::fmt_http_date(UNIX_EPOCH + since);
    let (from, to) = (certificate.not_before, certificate.not_after);
    if now > to {
        return Err(unavailable(format!(
            "The certificate expired on {}: renew it, or check this machine's clock.",
            date(to)
        )));
    }
    if now < from {
        let early = format!("The certificate is valid only from {}: check this machine's clock.", date(from));
        return Err(unavailable(early).with_retriable(true)); // passes by itself
    }
    Ok(())
}

fn unavailable(message: String) -> Error {
    Error::new(ErrorKind::IdentityUnavailable, message)
}
