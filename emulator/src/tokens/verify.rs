//! What the Redis plane checks of a token.

use super::{Claims, KeyRing};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation};
use std::time::Duration;

/// Azure's cache takes tokens for either name of its resource.
const AUDIENCES: [&str; 3] =
    ["https://redis.azure.com", "https://redis.azure.com/", "acca5fbb-b7e4-4009-81f1-37e38fd66d78"];

/// A token that was accepted.
#[derive(Debug)]
pub(crate) struct AcceptedToken {
    pub(crate) object_id: String,
    /// Since the Unix epoch.
    pub(crate) expires: Duration,
}

/// Why a token was refused. The client is never told.
pub(crate) type Rejection = &'static str;

/// Azure Resource Manager takes tokens for itself.
const OF_RESOURCE_MANAGER: [&str; 2] = ["https://management.azure.com", "https://management.azure.com/"];

/// Graph too, by either name.
const OF_GRAPH: [&str; 3] =
    ["https://graph.microsoft.com", "https://graph.microsoft.com/", "00000003-0000-0000-c000-000000000000"];

/// For whom a token of a caller is, other than the cache.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Api {
    ResourceManager,
    Graph,
}

/// Whose token it is, for one of Azure's APIs.
pub(crate) fn verify_for(api: Api, keys: &KeyRing, now: Duration, token: &str) -> Result<String, Rejection> {
    let audiences: &[&str] = match api {
        Api::ResourceManager => &OF_RESOURCE_MANAGER,
        Api::Graph => &OF_GRAPH,
    };
    let claims = valid_claims(keys, now, token, audiences)?;
    claims.oid.ok_or("the token has no oid claim")
}

/// Key, signature, audience, validity, object id: in this order. `now` is since the Unix epoch.
pub(crate) fn verify(
    keys: &KeyRing,
    now: Duration,
    user: &str,
    token: &str,
) -> Result<AcceptedToken, Rejection> {
    let claims = valid_claims(keys, now, token, &AUDIENCES)?;
    let object_id = claims.oid.ok_or("the token has no oid claim")?;
    if object_id != user {
        return Err("the user name is not the token's object id");
    }
    Ok(AcceptedToken { object_id, expires: Duration::from_secs(claims.exp) })
}

fn valid_claims(keys: &KeyRing, now: Duration, token: &str, audiences: &[&str]) -> Result<Claims, Rejection> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| "not a token of this tenant")?;
    let key = header.kid.and_then(|key_id| keys.find(&key_id));
    let key = key.ok_or("the key that the token names is unknown")?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(audiences);
    validation.set_required_spec_claims(&["exp", "aud", "iss"]);
    validation.validate_exp = false; // compared below, with the emulator's own clock
    let claims = jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation)
        .map_err(|error| match error.kind() {
            ErrorKind::InvalidSignature => "the signature is not this tenant's",
            ErrorKind::InvalidAudience => "the token is for another audience",
            _ => "not a token of this tenant",
        })?
        .claims;
    if Duration::from_secs(claims.exp) <= now {
        return Err("the token has expired");
    }
    if Duration::from_secs(claims.nbf) > now {
        return Err("the token is not yet valid");
    }
    Ok(claims)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
mod tests {
    use super::*;
    use crate::tenant::Tenant;
    use serde_json::{Value, json};

    /// What `verify` says of a good token whose claim `name` is changed; null takes it away.
    fn verdict(tenant: &Tenant, name: &str, value: Value) -> Result<(), Rejection> {
        let identity = tenant.directory.identities.first().unwrap();
        let claims = tenant.issuance().for_managed_identity(identity, AUDIENCES[0]);
        let mut claims = serde_json::to_value(claims).unwrap();
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value,
        }
        let token = tenant.signing_keys.signing().unwrap().sign(&claims).unwrap();
        verify(&tenant.signing_keys, tenant.now(), &identity.object_id, &token).map(drop)
    }

    #[test]
    fn only_a_token_that_is_valid_now_and_says_for_whom_and_from_whom_is_accepted() {
        let tenant = Tenant::for_tests();
        let now = tenant.now().as_secs();
        assert_eq!(verdict(&tenant, "uti", json!("another")), Ok(()));
        for audience in AUDIENCES {
            assert_eq!(verdict(&tenant, "aud", json!(audience)), Ok(()), "{audience}");
        }
        let elsewhere = json!("https://management.azure.com");
        assert_eq!(verdict(&tenant, "aud", elsewhere), Err("the token is for another audience"));
        assert_eq!(verdict(&tenant, "nbf", json!(now + 60)), Err("the token is not yet valid"));
        assert_eq!(verdict(&tenant, "exp", json!(now)), Err("the token has expired"));
        for required in ["aud", "iss", "exp", "nbf"] {
            let verdict = verdict(&tenant, required, Value::Null);
            assert_eq!(verdict, Err("not a token of this tenant"), "without {required}");
        }
        assert_eq!(verdict(&tenant, "oid", Value::Null), Err("the token has no oid claim"));
    }

    #[test]
    fn a_token_is_believed_as_long_as_the_key_that_it_names_is_published() {
        let tenant = Tenant::for_tests();
        let identity = tenant.directory.identities.first().unwrap();
        let claims = tenant.issuance().for_managed_identity(identity, AUDIENCES[0]);
        let old = tenant.signing_keys.signing().unwrap();
        let verdict = |token: Option<String>| {
            verify(&tenant.signing_keys, tenant.now(), &identity.object_id, &token.unwrap()).map(drop)
        };
        tenant.signing_keys.rotate().unwrap();
        let new = tenant.signing_keys.signing().unwrap();
        assert_eq!(verdict(old.sign(&claims)), Ok(()));
        assert_eq!(verdict(new.sign(&claims)), Ok(()));
        let other = Err("the signature is not this tenant's");
        assert_eq!(verdict(old.sign_as(&new.key_id, &claims)), other, "the key is looked up by its id");
        tenant.signing_keys.retire();
        assert_eq!(verdict(old.sign(&claims)), Err("the key that the token names is unknown"));
        assert_eq!(verdict(new.sign(&claims)), Ok(()));
    }
}
