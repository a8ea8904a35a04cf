//! The token: for whom it is, for what, and for how long.

use super::finding::{Cause, Finding};
use serde_json::Value;

pub(super) const STEP: &str = "token";

/// The resource of Redis, under its two names.
const AUDIENCES: [&str; 2] = ["https://redis.azure.com", "acca5fbb-b7e4-4009-81f1-37e38fd66d78"];

pub(super) struct Evidence {
    /// The Redis user name that goes with it.
    pub(super) username: String,
    /// From now on.
    pub(super) left_s: u64,
    /// None if it is no JWT.
    pub(super) claims: Option<Value>,
}

pub(super) fn diagnose(evidence: &Evidence) -> Finding {
    let Evidence { username, left_s, claims } = evidence;
    let user = format!("user name {username}, valid for {left_s} s");
    let Some(claims) = claims else {
        return Finding::undetermined(STEP, "the token is not one that can be read (no JWT)").seen([user]);
    };
    let text = |name: &str| claims[name].as_str().unwrap_or("none");
    let evidence = [
        user,
        format!("aud {}, oid {}, tid {}", text("aud"), text("oid"), text("tid")),
        format!("client id {}", application(claims).unwrap_or("none")),
    ];
    let causes: Vec<_> =
        [wrong_audience(claims), wrong_user(claims, username)].into_iter().flatten().collect();
    match causes.is_empty() {
        true => Finding::ok(STEP).seen(evidence),
        false => Finding::problem(STEP, causes).seen(evidence),
    }
}

fn application(claims: &Value) -> Option<&str> {
    claims["appid"].as_str().or_else(|| claims["azp"].as_str())
}

pub(super) fn wrong_audience(claims: &Value) -> Option<Cause> {
    let audience = claims["aud"].as_str()?;
    let is_redis = AUDIENCES.contains(&audience.trim_end_matches('/'));
    (!is_redis).then(|| {
        let text = format!(
            "The token is for {audience}, and Redis takes those for {}: set scope to {}/.default, or leave it out.",
            AUDIENCES[0], AUDIENCES[0]
        );
        Cause::new("wrong_audience", text).mended_by(["unset ENTRAKEY_SCOPE".to_owned()])
    })
}

/// The cache knows users by their object id.
pub(super) fn wrong_user(claims: &Value, username: &str) -> Option<Cause> {
    let object_id = claims["oid"].as_str()?;
    if object_id == username {
        return None;
    }
    let leave_out = "unset ENTRAKEY_USERNAME ENTRAKEY_USERNAME_CLAIM".to_owned();
    Some(match application(claims) == Some(username) {
        true => Cause::new(
            "user_is_client_id",
            format!(
                "The user name {username} is the application (client) id. Redis wants the object id of the service \
                 principal or managed identity, {object_id}: leave username and username_claim out."
            ),
        )
        .mended_by([leave_out, format!("az ad sp show --id {username} --query id -o tsv")]),
        false => Cause::new(
            "user_is_another_id",
            format!(
                "The user name {username} is not this token's object id, {object_id}. It may be that of the app \
                 registration or of a group: neither can sign in to Redis. Leave username and username_claim out."
            ),
        )
        .mended_by([leave_out]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;
    use serde_json::json;

    #[test]
    fn what_is_wrong_with_a_token_is_seen_before_a_server_refuses_it() {
        let claims =
            |audience: &str| json!({"aud": audience, "oid": "object", "appid": "app", "tid": "tenant"});
        for (audience, username, id) in [
            ("https://redis.azure.com", "object", None),
            ("https://redis.azure.com/", "object", None),
            ("acca5fbb-b7e4-4009-81f1-37e38fd66d78", "object", None),
            ("https://vault.azure.net", "object", Some("wrong_audience")),
            ("https://redis.azure.com", "app", Some("user_is_client_id")),
            ("https://redis.azure.com", "group", Some("user_is_another_id")),
        ] {
            let evidence =
                Evidence { username: username.to_owned(), left_s: 3600, claims: Some(claims(audience)) };
            let finding = diagnose(&evidence);
            assert_eq!(finding.causes.first().map(|cause| cause.id), id, "{audience} {username}");
            assert_eq!(finding.verdict == Verdict::Ok, id.is_none());
        }
        let opaque = Evidence { username: "object".to_owned(), left_s: 3600, claims: None };
        assert_eq!(diagnose(&opaque).verdict, Verdict::NotDetermined);
    }
}
