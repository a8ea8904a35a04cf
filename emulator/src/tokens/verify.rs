//! Whether a username and a token may enter the Redis.

use super::{REDIS_AUDIENCES, SigningKey};
use crate::clock::unix_now;
use crate::identities::{AccessPolicy, Identities};
use jsonwebtoken::errors::ErrorKind;
use serde::Deserialize;

/// Who came in.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) object_id: String,
    pub(crate) access_policy: AccessPolicy,
    /// Seconds since 1970.
    pub(crate) expires_on: u64,
}

/// Why somebody did not. For the notes and the stats; a client is told nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejection {
    NoUsername,
    NotAToken,
    WrongSignature,
    WrongAudience,
    NotYetValid,
    Expired,
    NoOidClaim,
    WrongUsername,
    NoAccessPolicy,
}

impl Rejection {
    /// The name in the stats.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::NoUsername => "no_username",
            Self::NotAToken => "not_a_token",
            Self::WrongSignature => "wrong_signature",
            Self::WrongAudience => "wrong_audience",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
            Self::NoOidClaim => "no_oid_claim",
            Self::WrongUsername => "wrong_username",
            Self::NoAccessPolicy => "no_access_policy",
        }
    }

    /// The clause in the notes.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::NoUsername => "it has no username, which must be the object id",
            Self::NotAToken => "the password is not an access token",
            Self::WrongSignature => "this emulator did not sign the token",
            Self::WrongAudience => "the token is for another resource than Redis",
            Self::NotYetValid => "the token is not valid yet",
            Self::Expired => "the token has expired",
            Self::NoOidClaim => "the token has no oid claim",
            Self::WrongUsername => "the username is not the token's oid",
            Self::NoAccessPolicy => "the object id has no access policy",
        }
    }
}

#[derive(Deserialize, Clone)]
struct PresentedClaims {
    aud: String,
    nbf: u64,
    exp: u64,
    oid: Option<String>,
}

pub(crate) fn verify(
    key: &SigningKey,
    identities: &Identities,
    username: &str,
    token: &str,
) -> Result<Accepted, Rejection> {
    let claims: PresentedClaims = key.verify(token).map_err(|error| match error.kind() {
        ErrorKind::InvalidSignature => Rejection::WrongSignature,
        _ => Rejection::NotAToken,
    })?;
    if !REDIS_AUDIENCES.contains(&claims.aud.as_str()) {
        return Err(Rejection::WrongAudience);
    }
    let now = unix_now().as_secs();
    if now < claims.nbf {
        return Err(Rejection::NotYetValid);
    }
    if now >= claims.exp {
        return Err(Rejection::Expired);
    }
    let object_id = claims.oid.ok_or(Rejection::NoOidClaim)?;
    if object_id != username {
        return Err(Rejection::WrongUsername);
    }
    let access_policy = identities.access_policy(&object_id).ok_or(Rejection::NoAccessPolicy)?;
    Ok(Accepted { object_id, access_policy, expires_on: claims.exp })
}
