//! What a token's own claims speak against when it is sent to Redis as the password of a user.

use crate::claims::text;
use crate::rejection::RejectionReason;
use serde_json::Value;

/// The resource that a token for Redis is for, under its two names.
const REDIS_AUDIENCES: &[&str] = &["https://redis.azure.com", "acca5fbb-b7e4-4009-81f1-37e38fd66d78"];

/// Whether a token for that resource is one for Redis.
pub(crate) fn is_for_redis(resource: &str) -> bool {
    REDIS_AUDIENCES.contains(&resource.trim_end_matches('/'))
}

/// What is wrong with a token, by what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenFault {
    /// `WrongAudience`, `ApplicationId`, `WrongUsername` or `NoObjectId`.
    pub reason: RejectionReason,
    /// What it is, with the ids that do not fit, and what to do. It holds no secret.
    pub text: String,
}

/// Each fault of a token with these claims ([`crate::read_claims`]) as the password of that user, the one to be mended first at
/// the beginning. A cache compares the audience, and the user name with the object id
/// (<https://learn.microsoft.com/azure/redis/entra-for-authentication>). Claims that are no object have no fault: such a token
/// cannot be read.
#[must_use]
pub fn token_faults(claims: &Value, username: &str) -> Vec<TokenFault> {
    if !claims.is_object() {
        return Vec::new();
    }
    [wrong_audience(claims), wrong_user(claims, username)].into_iter().flatten().collect()
}

fn wrong_audience(claims: &Value) -> Option<TokenFault> {
    let audience = text(claims, "aud")?;
    (!is_for_redis(audience)).then(|| TokenFault {
        reason: RejectionReason::WrongAudience,
        text: format!(
            "The token is for {audience}, and Redis takes those for https://redis.azure.com: set scope to \
             https://redis.azure.com/.default, or leave it out."
        ),
    })
}

fn wrong_user(claims: &Value, username: &str) -> Option<TokenFault> {
    let object_id = text(claims, "oid");
    let is_application = ["appid", "azp"].iter().any(|claim| text(claims, claim) == Some(username));
    let (reason, text) = match object_id {
        Some(object_id) if object_id == username => return None,
        Some(object_id) if is_application => (
            RejectionReason::ApplicationId,
            format!(
                "The user name {username} is the application (client) id. Redis wants the object id of the service \
                 principal or managed identity, {object_id}: leave username and username_claim out, or set them to it."
            ),
        ),
        Some(object_id) => (
            RejectionReason::WrongUsername,
            format!(
                "The user name {username} is not the token's object id, {object_id}. Redis takes no other user name, also \
                 not the id of the app registration or of a group: leave username and username_claim out, or set them to \
                 it."
            ),
        ),
        None => (
            RejectionReason::NoObjectId,
            "The token has no object id (its claim oid), and the user name has to be that. Entra issues such a token to an \
             application that has no service principal in the tenant: create it there (az ad sp create --id with the \
             client id)."
                .to_owned(),
        ),
    };
    Some(TokenFault { reason, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_wrong_with_a_token_is_seen_before_a_server_refuses_it() {
        use RejectionReason::{ApplicationId, NoObjectId, WrongAudience, WrongUsername};
        let claims =
            |audience: &str| json!({"aud": audience, "oid": "object", "appid": "app", "tid": "tenant"});
        let redis = "https://redis.azure.com";
        for (claims, username, reasons) in [
            (claims(redis), "object", vec![]),
            (claims("https://redis.azure.com/"), "object", vec![]),
            (claims("acca5fbb-b7e4-4009-81f1-37e38fd66d78"), "object", vec![]),
            (claims("https://vault.azure.net"), "object", vec![WrongAudience]),
            (claims("https://vault.azure.net"), "app", vec![WrongAudience, ApplicationId]),
            (claims(redis), "app", vec![ApplicationId]),
            (claims(redis), "group", vec![WrongUsername]),
            (json!({"aud": redis, "oid": "object", "azp": "app"}), "app", vec![ApplicationId]),
            (json!({"aud": redis, "oid": "same", "appid": "same"}), "same", vec![]),
            (json!({"aud": redis, "appid": "app"}), "object", vec![NoObjectId]),
            (json!({"aud": redis, "appid": "app"}), "app", vec![NoObjectId]),
            (Value::Null, "object", vec![]),
        ] {
            let faults = token_faults(&claims, username);
            let found: Vec<_> = faults.iter().map(|fault| fault.reason).collect();
            assert_eq!(found, reasons, "{claims} {username}");
        }
    }

    #[test]
    fn a_fault_names_the_ids_that_do_not_fit() {
        let claims = json!({"aud": "https://vault.azure.net", "oid": "object", "appid": "app"});
        let texts: Vec<_> = token_faults(&claims, "group").into_iter().map(|fault| fault.text).collect();
        assert!(texts[0].contains("https://vault.azure.net"), "{texts:?}");
        assert!(texts[1].contains("user name group") && texts[1].contains("object id, object"), "{texts:?}");
    }
}
