//! The token: for whom it is, for what, and for how long.

use super::finding::{Cause, Finding};
use super::subject::Subject;
use entrakey_core::{RejectionReason, TokenFault, token_faults};
use serde_json::Value;

pub(super) const STEP: &str = "token";

pub(super) struct Evidence {
    /// The Redis user name that goes with it.
    pub(super) username: String,
    /// From now on.
    pub(super) left_s: u64,
    /// None if it is no JWT.
    pub(super) claims: Option<Value>,
}

pub(super) fn diagnose(evidence: &Evidence, subject: &Subject) -> Finding {
    let Evidence { username, left_s, claims } = evidence;
    let user = format!("user name {username}, valid for {left_s} s");
    let Some(claims) = claims else {
        return Finding::undetermined(STEP, "the token is not one that can be read (no JWT)").seen([user]);
    };
    let text = |name: &str| claims[name].as_str().unwrap_or("none");
    let application = claims["appid"].as_str().or_else(|| claims["azp"].as_str());
    let evidence = [
        user,
        format!("aud {}, oid {}, tid {}", text("aud"), text("oid"), text("tid")),
        format!("client id {}", application.unwrap_or("none")),
    ];
    let causes = causes(claims, username, subject);
    match causes.is_empty() {
        true => Finding::ok(STEP).seen(evidence),
        false => Finding::problem(STEP, causes).seen(evidence),
    }
}

/// What the token's claims speak against, with the commands that mend it.
pub(super) fn causes(claims: &Value, username: &str, subject: &Subject) -> Vec<Cause> {
    token_faults(claims, username).into_iter().map(|fault| cause(fault, subject)).collect()
}

fn cause(fault: TokenFault, subject: &Subject) -> Cause {
    let client_id = subject.client_id();
    let leave_out = "unset ENTRAKEY_USERNAME ENTRAKEY_USERNAME_CLAIM".to_owned();
    let show = format!("az ad sp show --id {client_id} --query id -o tsv");
    let (id, mend) = match fault.reason {
        RejectionReason::WrongAudience => ("wrong_audience", vec!["unset ENTRAKEY_SCOPE".to_owned()]),
        RejectionReason::ApplicationId => ("user_is_client_id", vec![leave_out, show]),
        RejectionReason::NoObjectId => ("no_object_id", vec![format!("az ad sp create --id {client_id}")]),
        _ => ("user_is_another_id", vec![leave_out]),
    };
    Cause::new(id, fault.text).mended_by(mend)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;
    use crate::doctor::subject::for_tests;
    use serde_json::json;

    const CLIENT_ID: &str = "11111111-c000-4000-8000-000000000001";

    #[test]
    fn each_fault_of_a_token_has_its_cause_and_a_command_with_this_identitys_ids() {
        let subject = for_tests("c.westeurope.redis.azure.net");
        let show = format!("az ad sp show --id {CLIENT_ID} --query id -o tsv");
        let create = format!("az ad sp create --id {CLIENT_ID}");
        let redis = "https://redis.azure.com";
        for (aud, oid, username, found) in [
            (redis, Some("object"), "object", None),
            (
                "https://vault.azure.net",
                Some("object"),
                "object",
                Some(("wrong_audience", "unset ENTRAKEY_SCOPE")),
            ),
            (redis, Some("object"), CLIENT_ID, Some(("user_is_client_id", show.as_str()))),
            (
                redis,
                Some("object"),
                "group",
                Some(("user_is_another_id", "unset ENTRAKEY_USERNAME ENTRAKEY_USERNAME_CLAIM")),
            ),
            (redis, None, "object", Some(("no_object_id", create.as_str()))),
        ] {
            let claims = json!({"aud": aud, "oid": oid, "appid": CLIENT_ID, "tid": "tenant"});
            let evidence = Evidence { username: username.to_owned(), left_s: 3600, claims: Some(claims) };
            let finding = diagnose(&evidence, &subject);
            let cause = finding.causes.first();
            let cause = cause.map(|cause| (cause.id, cause.mend.last().map_or("", String::as_str)));
            assert_eq!(cause, found, "{aud} {username}");
            assert_eq!(finding.verdict == Verdict::Ok, found.is_none());
        }
        let opaque = Evidence { username: "object".to_owned(), left_s: 3600, claims: None };
        assert_eq!(diagnose(&opaque, &subject).verdict, Verdict::NotDetermined);
    }
}
