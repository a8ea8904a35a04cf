//! Tokens as they are given out: right ones, and those that a test wants to be wrong.

use super::{Claims, FederatedClaims, KeyRing, Timing};
use crate::identities::Federated;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use utoipa::ToSchema;

/// How far in the future a token that is not yet valid begins, and how long ago one that has expired ended.
const OUTSIDE_SECONDS: u64 = 600;
/// The audience of a token with the wrong one: a resource that many programs ask for.
const ANOTHER_AUDIENCE: &str = "https://management.azure.com";
/// No identity has it.
const ANOTHER_OBJECT_ID: &str = "99999999-0000-4000-8000-000000000099";
/// No key has it.
const UNKNOWN_KEY_ID: &str = "no-such-key-was-published-ab";
/// How many tokens are kept to be given out again: a client chooses the resource, and with it one more.
const KEPT_TOKENS: usize = 256;

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenFault {
    /// It expired ten minutes ago.
    Expired,
    /// It begins in ten minutes.
    NotYetValid,
    /// It is for `https://management.azure.com`.
    WrongAudience,
    /// Its claims `oid` and `sub` are an object id that nobody has.
    WrongObjectId,
    /// It names a key that the keys document does not have.
    UnknownKey,
    /// Its signature was changed.
    BadSignature,
    /// It has no claim `oid`.
    NoOid,
    /// Nothing but its age: it is letter by letter the one that the identity got last for this resource, or a new one
    /// if there is none.
    Cached,
}

/// What a test has scripted for a token.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TokenScript {
    pub(crate) fault: Option<TokenFault>,
    pub(crate) lifetime_seconds: Option<u32>,
}

impl TokenScript {
    /// How far the token's start is from now, in seconds.
    fn shift(&self, lifetime: u64) -> i64 {
        match self.fault {
            Some(TokenFault::Expired) => -lifetime.saturating_add(OUTSIDE_SECONDS).cast_signed(),
            Some(TokenFault::NotYetValid) => OUTSIDE_SECONDS.cast_signed(),
            _ => 0,
        }
    }

    fn change(&self, claims: &mut Claims) {
        let lifetime = self.lifetime_seconds.map_or(claims.exp - claims.iat, u64::from);
        let start = claims.iat.saturating_add_signed(self.shift(lifetime));
        (claims.iat, claims.nbf, claims.exp) = (start, start, start.saturating_add(lifetime));
        match self.fault {
            Some(TokenFault::WrongAudience) => ANOTHER_AUDIENCE.clone_into(&mut claims.aud),
            Some(TokenFault::WrongObjectId) => claims.set_object_id(Some(ANOTHER_OBJECT_ID)),
            Some(TokenFault::NoOid) => claims.set_object_id(None),
            _ => (),
        }
    }

    fn sign(&self, keys: &KeyRing, claims: &impl Serialize) -> Option<String> {
        let key = keys.signing().ok()?;
        match self.fault {
            Some(TokenFault::UnknownKey) => key.sign_as(UNKNOWN_KEY_ID, claims),
            Some(TokenFault::BadSignature) => key.sign(claims).map(with_another_signature),
            _ => key.sign(claims),
        }
    }
}

/// The first letter of the signature is changed: all its bits count.
fn with_another_signature(token: String) -> String {
    let Some((signed, signature)) = token.rsplit_once('.') else { return token };
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{signed}.{other}{}", signature.get(1..).unwrap_or_default())
}

/// A token that was made, and what its answer says of it.
#[derive(Clone)]
pub(crate) struct MintedToken {
    pub(crate) claims: Claims,
    pub(crate) access_token: String,
    /// How long it is valid yet.
    pub(crate) expires_in: u64,
}

/// Makes access tokens, and keeps the last ones: a test may want one to be given again.
pub(crate) struct Mint {
    keys: Arc<KeyRing>,
    /// By object id and audience.
    last: Mutex<BTreeMap<(String, String), MintedToken>>,
}

impl std::fmt::Debug for Mint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mint")
    }
}

impl Mint {
    pub(crate) fn new(keys: Arc<KeyRing>) -> Self {
        Self { keys, last: Mutex::default() }
    }

    /// A token for an object id, as it was scripted. None if it cannot be signed, which a key of the emulator's own
    /// always can.
    pub(crate) fn token(&self, object_id: &str, claims: Claims, script: &TokenScript) -> Option<MintedToken> {
        let now = claims.iat;
        let key = (object_id.to_owned(), claims.aud.clone());
        let kept = self.last(&key).filter(|_| script.fault == Some(TokenFault::Cached));
        let minted = match kept {
            Some(kept) => MintedToken { expires_in: kept.claims.exp.saturating_sub(now), ..kept },
            None => {
                let mut claims = claims;
                script.change(&mut claims);
                let access_token = script.sign(&self.keys, &claims)?;
                MintedToken { expires_in: claims.exp.saturating_sub(now), claims, access_token }
            }
        };
        self.keep(key, &minted);
        Some(minted)
    }

    fn last(&self, key: &(String, String)) -> Option<MintedToken> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn keep(&self, key: (String, String), minted: &MintedToken) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() >= KEPT_TOKENS {
            last.clear();
        }
        last.insert(key, minted.clone());
    }
}

/// A token of an outside issuer that the emulator plays, valid from `now` unless it is scripted otherwise.
pub(crate) fn mint_federated(
    keys: &KeyRing,
    federated: &Federated,
    Timing { now, lifetime }: Timing,
    script: &TokenScript,
) -> Option<String> {
    let lifetime = script.lifetime_seconds.map_or(lifetime, i64::from);
    let start = now.as_secs().saturating_add_signed(script.shift(lifetime.unsigned_abs()));
    let timing = Timing { now: Duration::from_secs(start), lifetime };
    let mut federated = federated.clone();
    if script.fault == Some(TokenFault::WrongAudience) {
        ANOTHER_AUDIENCE.clone_into(&mut federated.audience);
    }
    script.sign(keys, &FederatedClaims::new(&federated, timing))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
mod tests {
    use super::*;
    use crate::tenant::Tenant;
    use crate::tokens::verify;

    const RESOURCE: &str = "https://redis.azure.com";

    fn minted(tenant: &Tenant, fault: Option<TokenFault>, lifetime_seconds: Option<u32>) -> MintedToken {
        let identity = tenant.directory.identities.first().unwrap();
        let claims = tenant.issuance().for_managed_identity(identity, RESOURCE);
        tenant.mint.token(&identity.object_id, claims, &TokenScript { fault, lifetime_seconds }).unwrap()
    }

    #[test]
    fn each_fault_is_what_the_cache_finds_wrong_with_the_token() {
        let tenant = Tenant::for_tests();
        let user = &tenant.directory.identities.first().unwrap().object_id;
        let verdict = |fault, user: &str| {
            let token = minted(&tenant, fault, None).access_token;
            verify(&tenant.signing_keys, tenant.now(), user, &token).map(drop)
        };
        assert_eq!(verdict(None, user), Ok(()));
        for (fault, reason) in [
            (TokenFault::Expired, "the token has expired"),
            (TokenFault::NotYetValid, "the token is not yet valid"),
            (TokenFault::WrongAudience, "the token is for another audience"),
            (TokenFault::WrongObjectId, "the user name is not the token's object id"),
            (TokenFault::UnknownKey, "the key that the token names is unknown"),
            (TokenFault::BadSignature, "the signature is not this tenant's"),
            (TokenFault::NoOid, "the token has no oid claim"),
        ] {
            assert_eq!(verdict(Some(fault), user), Err(reason), "{fault:?}");
        }
        let stranger = verdict(Some(TokenFault::WrongObjectId), ANOTHER_OBJECT_ID);
        assert_eq!(stranger, Ok(()), "the user name is the token's own");
        let known = |identity: &crate::identities::Identity| identity.object_id == ANOTHER_OBJECT_ID;
        assert!(!tenant.directory.identities.iter().any(known));
    }

    #[test]
    fn a_cached_token_is_the_last_one_whatever_was_wrong_with_it_and_has_aged() {
        let tenant = Tenant::for_tests();
        let first = minted(&tenant, Some(TokenFault::Cached), None);
        tenant.clock.set_scale(0.0);
        tenant.clock.advance_ms(60_000);
        let again = minted(&tenant, Some(TokenFault::Cached), None);
        assert_eq!(again.access_token, first.access_token);
        assert!(
            (first.expires_in - 61..=first.expires_in - 60).contains(&again.expires_in),
            "{}",
            again.expires_in
        );
        let short = minted(&tenant, None, Some(7));
        assert_eq!((short.expires_in, short.claims.exp - short.claims.iat), (7, 7));
        tenant.clock.advance_ms(10_000);
        let last = minted(&tenant, Some(TokenFault::Cached), None);
        assert_eq!((last.access_token, last.expires_in), (short.access_token, 0));
        let other = tenant.directory.identities.get(1).unwrap();
        let claims = tenant.issuance().for_managed_identity(other, RESOURCE);
        let script = TokenScript { fault: Some(TokenFault::Cached), lifetime_seconds: None };
        let fresh = tenant.mint.token(&other.object_id, claims, &script).unwrap();
        assert_eq!(fresh.claims.oid.as_ref(), Some(&other.object_id));
    }

    #[test]
    fn lifetimes_go_with_other_faults() {
        let tenant = Tenant::for_tests();
        let later = minted(&tenant, Some(TokenFault::NotYetValid), Some(30)).claims;
        assert_eq!((later.exp - later.nbf, later.iat), (30, later.nbf));
        let now = tenant.now().as_secs();
        assert!((now + OUTSIDE_SECONDS - 1..=now + OUTSIDE_SECONDS).contains(&later.nbf));
    }
}
