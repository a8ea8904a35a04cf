//! The key that signs tokens, made while everything else already listens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::traits::PublicKeyParts as _;
use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use tokio::sync::watch;

/// What Entra uses.
const BITS: usize = 2048;

/// The tenant's one signing key. Whoever needs it before it is made waits.
pub(crate) struct SigningKey(watch::Receiver<Option<Arc<Made>>>);

pub(crate) struct Made {
    pub(crate) key_id: String,
    pub(crate) modulus: String,
    pub(crate) exponent: String,
    encoding: EncodingKey,
    pub(crate) decoding: DecodingKey,
}

impl SigningKey {
    pub(crate) fn generate_in_background() -> Self {
        let (sender, receiver) = watch::channel(None);
        tokio::task::spawn_blocking(move || {
            if let Ok(made) = Made::new() {
                sender.send_replace(Some(Arc::new(made)));
            }
        });
        Self(receiver)
    }

    /// The key, or none if it could not be made.
    pub(crate) async fn get(&self) -> Option<Arc<Made>> {
        self.0.clone().wait_for(Option::is_some).await.ok()?.clone()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

impl Made {
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let key = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, BITS)?;
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

    pub(crate) fn sign(&self, claims: &impl Serialize) -> Option<String> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.key_id.clone());
        header.x5t = Some(self.key_id.clone());
        jsonwebtoken::encode(&header, claims, &self.encoding).ok()
    }
}
