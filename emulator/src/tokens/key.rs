//! The keys that sign tokens: the tenant's own, and that of the issuers that the emulator plays.

use crate::Error;
use crate::rsa_key::new_rsa_key;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::traits::PublicKeyParts as _;
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt;

/// A key of the emulator's own.
pub(crate) struct SigningKey {
    pub(crate) key_id: String,
    modulus: String,
    exponent: String,
    encoding: EncodingKey,
    pub(crate) decoding: DecodingKey,
}

impl SigningKey {
    /// Takes some hundredths of a second, as luck will have it with prime numbers.
    pub(crate) fn new() -> Result<Self, Error> {
        Self::make()
            .map_err(|error| Error::of_machine(format!("cannot make a key to sign tokens with: {error}")))
    }

    fn make() -> Result<Self, Box<dyn std::error::Error>> {
        let key = new_rsa_key()?;
        let (n, e) = (key.n().to_bytes_be(), key.e().to_bytes_be());
        let modulus = URL_SAFE_NO_PAD.encode(&n);
        Ok(Self {
            key_id: modulus.chars().take(27).collect(),
            exponent: URL_SAFE_NO_PAD.encode(&e),
            encoding: EncodingKey::from_rsa_der(key.to_pkcs1_der()?.as_bytes()),
            decoding: DecodingKey::from_rsa_components(&modulus, &URL_SAFE_NO_PAD.encode(&e))?,
            modulus,
        })
    }

    /// The key as the keys document of its issuer shows it.
    pub(crate) fn to_jwk(&self) -> Value {
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256",
            "kid": self.key_id, "x5t": self.key_id, "n": self.modulus, "e": self.exponent,
        })
    }

    /// A token that names `key_id` as its key.
    pub(super) fn sign_as(&self, key_id: &str, claims: &impl Serialize) -> Option<String> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(key_id.to_owned());
        header.x5t = Some(key_id.to_owned());
        jsonwebtoken::encode(&header, claims, &self.encoding).ok()
    }

    pub(crate) fn sign(&self, claims: &impl Serialize) -> Option<String> {
        self.sign_as(&self.key_id, claims)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}
