//! The RSA key that signs tokens.

use crate::error::Error;
use crate::random;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::rand_core::OsRng;
use rsa::traits::PublicKeyParts as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::OnceCell;

/// A key that takes up to seconds to make: start-up does not wait for it, whoever needs it first does.
#[derive(Default)]
pub(crate) struct LazySigningKey(OnceCell<Arc<SigningKey>>);

impl LazySigningKey {
    pub(crate) async fn get(&self) -> Result<Arc<SigningKey>, Error> {
        let make = || async {
            let made = tokio::task::spawn_blocking(SigningKey::generate).await;
            made.map_err(cryptography)?.map(Arc::new)
        };
        self.0.get_or_try_init(make).await.cloned()
    }
}

/// Signs and verifies RS256.
pub(crate) struct SigningKey {
    id: String,
    private: EncodingKey,
    public: DecodingKey,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl SigningKey {
    fn generate() -> Result<Self, Error> {
        let key = RsaPrivateKey::new(&mut OsRng, 2048).map_err(cryptography)?;
        let der = key.to_pkcs1_der().map_err(cryptography)?;
        let (modulus, exponent) = (key.n().to_bytes_be(), key.e().to_bytes_be());
        Ok(Self {
            id: random::base64url(20),
            private: EncodingKey::from_rsa_der(der.as_bytes()),
            public: DecodingKey::from_rsa_raw_components(&modulus, &exponent),
            modulus,
            exponent,
        })
    }

    pub(crate) fn sign(&self, claims: &impl Serialize) -> Result<String, Error> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.id.clone());
        jsonwebtoken::encode(&header, claims, &self.private).map_err(cryptography)
    }

    /// The claims, if this key signed them. Only the signature is checked.
    pub(crate) fn verify<T: DeserializeOwned + Clone>(&self, token: &str) -> jsonwebtoken::errors::Result<T> {
        let mut validation = Validation::new(Algorithm::RS256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        jsonwebtoken::decode(token, &self.public, &validation).map(|token| token.claims)
    }

    /// The JSON Web Key Set.
    pub(crate) fn jwks(&self, issuer: &str) -> Value {
        json!({"keys": [{
            "kty": "RSA",
            "use": "sig",
            "kid": self.id,
            "x5t": self.id,
            "n": URL_SAFE_NO_PAD.encode(&self.modulus),
            "e": URL_SAFE_NO_PAD.encode(&self.exponent),
            "issuer": issuer,
        }]})
    }
}

fn cryptography(error: impl ToString) -> Error {
    Error::Cryptography(error.to_string())
}
