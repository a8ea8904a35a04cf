//! Access tokens: made here, checked here.

mod claims;
mod signing_key;
mod verify;

pub(crate) use signing_key::{LazySigningKey, SigningKey};
pub(crate) use verify::{Accepted, Rejection, verify};

use crate::clock::unix_now;
use crate::error::Error;
use crate::identities::Identity;
use claims::Claims;
use std::time::Duration;

/// What the Redis accepts as a token's audience, and Entra as the resource of a scope.
pub(crate) const REDIS_AUDIENCES: [&str; 3] =
    ["https://redis.azure.com", "https://redis.azure.com/", "acca5fbb-b7e4-4009-81f1-37e38fd66d78"];

/// Entra dates a token five minutes back, for clocks that are slow.
const DATED_BACK: u64 = 300;

/// Makes tokens.
pub(crate) struct Issuer {
    pub(crate) key: LazySigningKey,
    lifetime: Duration,
    issuer: String,
    tenant_id: String,
}

/// A token and its times, in seconds since 1970.
pub(crate) struct Issued {
    pub(crate) access_token: String,
    pub(crate) not_before: u64,
    pub(crate) expires_on: u64,
    pub(crate) expires_in: u64,
}

impl Issuer {
    pub(crate) fn new(lifetime: Duration, issuer: String, tenant_id: String) -> Self {
        Self { key: LazySigningKey::default(), lifetime, issuer, tenant_id }
    }

    pub(crate) async fn issue(&self, identity: &Identity, audience: &str) -> Result<Issued, Error> {
        let key = self.key.get().await?;
        // Rounded up: a client that counts from `expires_in` never believes in a token that `exp` has ended.
        let now = unix_now();
        let second = now.as_secs() + u64::from(now.subsec_nanos() > 0);
        let expires_in = self.lifetime.as_secs();
        let (not_before, expires_on) = (second - DATED_BACK, second + expires_in);
        let claims =
            Claims::new(identity, &self.issuer, &self.tenant_id, audience, not_before..expires_on);
        Ok(Issued { access_token: key.sign(&claims)?, not_before, expires_on, expires_in })
    }
}
