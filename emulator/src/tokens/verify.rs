//! What the Redis plane checks of a token.

use super::Claims;
use crate::identities::{Access, access_of};
use crate::world::World;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation};
use std::time::Duration;

/// Azure's cache takes tokens for either name of its resource.
const AUDIENCES: [&str; 3] =
    ["https://redis.azure.com", "https://redis.azure.com/", "acca5fbb-b7e4-4009-81f1-37e38fd66d78"];

/// A token that was accepted.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) object_id: String,
    pub(crate) access: Access,
    /// Since the Unix epoch.
    pub(crate) expires: Duration,
}

/// Why a token was refused. The client is never told.
pub(crate) type Rejection = &'static str;

/// Signature, audience, validity, object id, access policy: in this order.
pub(crate) async fn verify(world: &World, user: &str, token: &str) -> Result<Accepted, Rejection> {
    let key = world.signing_key.get().await.ok_or("no signing key")?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&AUDIENCES);
    validation.set_required_spec_claims(&["exp", "aud", "iss"]);
    validation.validate_exp = false; // compared below, with the emulator's own clock
    let claims = jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation)
        .map_err(|error| match error.kind() {
            ErrorKind::InvalidSignature => "the signature is not this tenant's",
            ErrorKind::InvalidAudience => "the token is for another audience",
            _ => "not a token of this tenant",
        })?
        .claims;
    let (now, expires) = (world.now(), Duration::from_secs(claims.exp));
    if expires <= now {
        return Err("the token has expired");
    }
    if Duration::from_secs(claims.nbf) > now {
        return Err("the token is not yet valid");
    }
    let object_id = claims.oid.ok_or("the token has no oid claim")?;
    if object_id != user {
        return Err("the user name is not the token's object id");
    }
    let access = access_of(&object_id).ok_or("the object id has no access policy assignment")?;
    Ok(Accepted { object_id, access, expires })
}
