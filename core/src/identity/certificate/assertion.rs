//! The client assertion: a JWT that says who asks, signed with the certificate's key.
//!
//! <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>

use crate::error::{Error, ErrorKind, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
use serde::Serialize;
use zeroize::Zeroizing;

/// An assertion is used at once. Microsoft's advice: five to ten minutes.
const LIFETIME_S: u64 = 600;
/// For a clock that is ahead of Entra's.
const BACKDATED_S: u64 = 30;

#[derive(Serialize)]
pub(super) struct Header {
    alg: &'static str,
    typ: &'static str,
    /// The certificate's SHA-256, which is the usual name for it.
    #[serde(rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// The certificate's SHA-1, if nothing else is known of it.
    #[serde(rename = "x5t", skip_serializing_if = "Option::is_none")]
    sha1: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    x5c: Vec<String>,
}

impl Header {
    /// PS256, the certificate named by its SHA-256.
    pub(super) fn modern(sha256: &[u8], x5c: Vec<String>) -> Self {
        Self { alg: "PS256", typ: "JWT", sha256: Some(URL_SAFE_NO_PAD.encode(sha256)), sha1: None, x5c }
    }

    /// RS256, the certificate named by its SHA-1: as Microsoft's libraries did it before.
    pub(super) fn legacy(sha1: &[u8], x5c: Vec<String>) -> Self {
        Self { alg: "RS256", typ: "JWT", sha256: None, sha1: Some(URL_SAFE_NO_PAD.encode(sha1)), x5c }
    }

    fn encoding(&self) -> &'static dyn RsaEncoding {
        if self.sha256.is_some() { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 }
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: String,
    nbf: u64,
    iat: u64,
    exp: u64,
}

/// `audience` is the token endpoint that gets the assertion.
pub(super) fn sign(
    key: &KeyPair,
    header: &Header,
    client_id: &str,
    audience: &str,
    now_unix_s: u64,
) -> Result<Zeroizing<String>> {
    let since = now_unix_s.saturating_sub(BACKDATED_S);
    let claims = Claims {
        aud: audience,
        iss: client_id,
        sub: client_id,
        jti: unique()?,
        nbf: since,
        iat: since,
        exp: since + LIFETIME_S,
    };
    let mut jwt = Zeroizing::new(format!("{}.{}", part(header)?, part(&claims)?));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(header.encoding(), &SystemRandom::new(), jwt.as_bytes(), &mut signature).map_err(|_| {
        Error::invalid_config("The private key cannot sign: its numbers contradict each other.")
    })?;
    let signature = URL_SAFE_NO_PAD.encode(signature);
    jwt.reserve_exact(1 + signature.len());
    jwt.push('.');
    jwt.push_str(&signature);
    Ok(jwt)
}

fn part(content: &impl Serialize) -> Result<String> {
    let json = serde_json::to_vec(content).map_err(|error| Error::internal(&format!("No JSON: {error}.")))?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

/// A random UUID, so that no assertion can be taken for another one.
fn unique() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::getrandom(&mut bytes).map_err(|error| {
        Error::new(ErrorKind::Network, format!("The system gives no random numbers: {error}."))
    })?;
    bytes[6] = bytes[6] & 0x0f | 0x40; // version 4
    bytes[8] = bytes[8] & 0x3f | 0x80; // variant
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    Ok([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
}
