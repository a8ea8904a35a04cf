//! AUTH: whether the server lets this identity in, and why not.

use super::clock::clock_off;
use super::connection::{Connection, refusal};
use super::finding::{Cause, Finding};
use super::subject::Subject;
use super::token;
use crate::arm::Access;
use crate::family::Family;
use entrakey_core::{Provider, Refusal, RejectionReason, Token, redacted};
use serde_json::Value;

pub(super) const STEP: &str = "auth";

pub(crate) enum Outcome {
    Accepted,
    Refused {
        reason: RejectionReason,
        explanation: String,
    },
    /// An answer that is no verdict on the token, as the server gave it.
    NoVerdict(String),
    /// No answer: why.
    Unanswered(String),
}

impl Outcome {
    /// Why this identity is not in, as a phrase.
    pub(crate) fn failure(self) -> Option<String> {
        match self {
            Self::Accepted => None,
            Self::Refused { explanation, .. } => Some(explanation),
            Self::NoVerdict(said) => Some(answered(&said)),
            Self::Unanswered(why) => Some(why),
        }
    }

    /// Why what needs a sign-in is not looked at.
    pub(super) fn why_nothing_follows(&self) -> &'static str {
        match self {
            Self::Unanswered(_) => "AUTH had no answer",
            Self::NoVerdict(_) => "the answer to AUTH was no verdict on the token",
            Self::Accepted | Self::Refused { .. } => "the server did not let the identity in",
        }
    }
}

fn answered(said: &str) -> String {
    format!("AUTH was answered \"{said}\"")
}

pub(super) struct Evidence {
    pub(super) outcome: Outcome,
    pub(super) claims: Option<Value>,
    pub(super) username: String,
    /// What Azure Resource Manager says of the access, or why it could not be read.
    pub(super) access: Option<Result<Access, String>>,
}

/// Signs in.
pub(crate) fn sign_in(connection: &mut Connection, token: &Token, provider: &Provider) -> Outcome {
    let answer = match connection.ask(&["AUTH", token.username(), token.secret()]) {
        Ok(answer) => answer,
        Err(error) => return Outcome::Unanswered(error.to_string()),
    };
    let Some(said) = refusal(&answer) else { return Outcome::Accepted };
    match (Refusal::read(said), provider.report_rejected(token.version(), said)) {
        (Some(_), Ok(rejection)) => {
            Outcome::Refused { reason: rejection.reason, explanation: rejection.explanation }
        }
        _ => Outcome::NoVerdict(redacted(said, &[token.secret()])),
    }
}

pub(super) fn diagnose(evidence: &Evidence, subject: &Subject) -> Finding {
    match &evidence.outcome {
        Outcome::Accepted => Finding::ok(STEP).seen([format!("signed in as {}", evidence.username)]),
        Outcome::NoVerdict(said) => {
            Finding::problem(STEP, [no_verdict(said, subject)]).seen([answered(said)])
        }
        Outcome::Unanswered(why) => Finding::problem(STEP, [unanswered(subject)]).seen([why.clone()]),
        Outcome::Refused { reason, explanation } => Finding::one_of(STEP, causes(*reason, evidence, subject))
            .seen([explanation.clone()])
            .seen(seen(evidence)),
    }
}

/// What Azure Resource Manager has told.
fn seen(evidence: &Evidence) -> Vec<String> {
    match &evidence.access {
        None => Vec::new(),
        Some(Err(reason)) => vec![format!("Azure Resource Manager could not be read: {reason}")],
        Some(Ok(access)) => {
            let assigned: Vec<_> = access.assignments.iter().map(|one| one.object_id.as_str()).collect();
            let mut seen = vec![match assigned.is_empty() {
                true => "no access policy is assigned to anybody".to_owned(),
                false => format!("access policies are assigned to {}", assigned.join(", ")),
            }];
            seen.extend(access.has_role.then(|| "this identity has an Azure role on the cache".to_owned()));
            seen
        }
    }
}

fn causes(reason: RejectionReason, evidence: &Evidence, subject: &Subject) -> Vec<Cause> {
    let claims = evidence.claims.as_ref();
    // What the token itself shows needs nobody else.
    let by_token =
        claims.map(|claims| token::causes(claims, &evidence.username, subject)).unwrap_or_default();
    if let Some(cause) = by_token.into_iter().next() {
        return vec![cause];
    }
    match reason {
        RejectionReason::NoPermission => {
            let text = "The access policy does not permit AUTH, which Redis itself lets everybody use: something stands \
                        between here and the cache. Assign a policy with +@connection, or connect without it.";
            return vec![Cause::new("no_permission", text).mended_by(subject.widen("+@all ~*"))];
        }
        RejectionReason::ClockSkew => return vec![clock_off("off by more than five minutes")],
        RejectionReason::NodeIdentity => return vec![node_identity(subject)],
        RejectionReason::Expired => {
            return vec![Cause::new("token_expired", "The token had expired when it was sent.")];
        }
        RejectionReason::ObjectIdChanged => {
            let text = "The object id is another one than before: the identity was deleted and made anew. Assign an \
                        access policy to the new object id.";
            return vec![Cause::new("object_id_changed", text).mended_by(subject.assign())];
        }
        _ => {}
    }
    match &evidence.access {
        Some(Ok(access)) => vec![by_access(access, subject)],
        _ => indistinct(subject),
    }
}

/// The servers' own words: <https://github.com/redis/redis/blob/8.2/src/server.c>, networking.c.
fn no_verdict(said: &str, subject: &Subject) -> Cause {
    if said.starts_with("LOADING") {
        let text = "The server has been started and reads its data: until it has them it answers nobody. Try again in a \
                    minute.";
        return Cause::new("server_loading", text).mended_by(subject.state());
    }
    if said.to_ascii_lowercase().contains("max number of clients") {
        let text = "The cache has as many connections as it takes. End some (its metric of connected clients shows how many \
                    there are), let clients share theirs, or take a larger size.";
        return Cause::new("too_many_clients", text);
    }
    let text = "The answer to AUTH is none of Redis's verdicts on a token: look whether this is the cache, and what stands \
                between here and there.";
    Cause::new("auth_not_judged", text)
}

fn unanswered(subject: &Subject) -> Cause {
    let text = "The server took the connection, and AUTH had no answer: it is overloaded or is just restarting, or something \
                between here and there swallows or ends connections. Nothing follows from it about the token. Try again; \
                if it stays like this, look at the cache's state and at what stands in between.";
    Cause::new("auth_unanswered", text).mended_by(subject.state())
}

fn node_identity(subject: &Subject) -> Cause {
    let text = "This is Kubernetes, and a managed identity of the node answered, which every pod of the node would get. \
                If the pod's own was meant, it lacks the label azure.workload.identity/use: \"true\" or its service \
                account's annotation; else assign an access policy to the node's.";
    let patch = "kubectl patch deployment NAME -p \
                 '{\"spec\":{\"template\":{\"metadata\":{\"labels\":{\"azure.workload.identity/use\":\"true\"}}}}}'";
    let annotate = "kubectl annotate serviceaccount NAME azure.workload.identity/client-id=CLIENT_ID";
    Cause::new("node_identity", text)
        .mended_by([patch.to_owned(), annotate.to_owned()].into_iter().chain(subject.assign()))
}

/// What Azure Resource Manager tells apart.
fn by_access(access: &Access, subject: &Subject) -> Cause {
    let object_id = subject.object_id();
    let has = |id: &str| access.assignments.iter().any(|one| one.object_id.eq_ignore_ascii_case(id));
    let is_assigned = has(object_id);
    match (access.is_entra_on, is_assigned) {
        (Some(false), _) => entra_off(subject),
        (_, true) => {
            let text = format!(
                "An access policy is assigned to {object_id}: an assignment takes a few minutes to take effect. If it \
                 stays like this, the cache refuses this token for a reason that it does not tell."
            );
            Cause::new("assignment_pending", text).mended_by(subject.list())
        }
        (_, false) if has(subject.client_id()) => another_assigned(subject),
        (_, false) if access.has_role => rbac_only(subject),
        (_, false) => no_assignment(subject),
    }
}

/// One of these, and only Azure Resource Manager could tell which.
fn indistinct(subject: &Subject) -> Vec<Cause> {
    let mut causes = vec![no_assignment(subject), another_assigned(subject), rbac_only(subject)];
    if subject.family != Family::Managed {
        causes.push(entra_off(subject));
    }
    causes
}

fn no_assignment(subject: &Subject) -> Cause {
    let text = format!(
        "No access policy is assigned to the object id {}. An assignment takes a few minutes to take effect.",
        subject.object_id()
    );
    Cause::new("no_assignment", text).mended_by(subject.assign())
}

fn another_assigned(subject: &Subject) -> Cause {
    let text = format!(
        "An access policy is assigned to another id of the same application: its client id, the object id of the app \
         registration, or that of a group. It has to be {}.",
        subject.object_id()
    );
    let show = format!("az ad sp show --id {} --query id -o tsv", subject.client_id());
    Cause::new("another_id_assigned", text).mended_by(subject.list().into_iter().chain([show]))
}

fn rbac_only(subject: &Subject) -> Cause {
    let text = "The identity has an Azure role (RBAC) and no access policy: a role is for managing the cache, and gives no \
                access to its data.";
    Cause::new("rbac_only", text).mended_by(subject.assign())
}

fn entra_off(subject: &Subject) -> Cause {
    let text = "Microsoft Entra authentication is switched off on this cache. Switching it on reboots its nodes, which \
                may take half an hour.";
    Cause::new("entra_off", text).mended_by([subject.switch_entra_on()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arm::Assignment;
    use crate::doctor::finding::Verdict;
    use crate::doctor::subject::for_tests;
    use serde_json::json;

    const OID: &str = "11111111-0000-4000-8000-000000000001";
    const CLIENT_ID: &str = "11111111-c000-4000-8000-000000000001";

    fn refused(reason: RejectionReason) -> Evidence {
        let claims = json!({"aud": "https://redis.azure.com", "oid": OID, "appid": "app"});
        Evidence {
            outcome: Outcome::Refused { reason, explanation: "refused".to_owned() },
            claims: Some(claims),
            username: OID.to_owned(),
            access: None,
        }
    }

    fn ids(evidence: &Evidence, host: &str) -> Vec<&'static str> {
        diagnose(evidence, &for_tests(host)).causes.iter().map(|cause| cause.id).collect()
    }

    const MANAGED: &str = "c.westeurope.redis.azure.net";
    const CLASSIC: &str = "c.redis.cache.windows.net";

    #[test]
    fn what_only_the_resource_manager_tells_apart_is_told_together_without_it() {
        let evidence = refused(RejectionReason::NoAccessPolicy);
        assert_eq!(ids(&evidence, MANAGED), ["no_assignment", "another_id_assigned", "rbac_only"]);
        assert_eq!(ids(&evidence, CLASSIC).last(), Some(&"entra_off"));
        let denied = Evidence { access: Some(Err("status 403".to_owned())), ..evidence };
        assert_eq!(ids(&denied, MANAGED).len(), 3);
    }

    #[test]
    fn no_verdict_is_a_problem_of_its_own_and_nothing_is_said_of_the_token() {
        let diagnosed = |outcome| {
            let evidence = Evidence { outcome, ..refused(RejectionReason::NoAccessPolicy) };
            diagnose(&evidence, &for_tests(MANAGED))
        };
        let state = "az redisenterprise show -g RG -n c --query provisioningState";
        for (said, id, mend) in [
            ("LOADING Redis is loading the dataset in memory", "server_loading", Some(state)),
            ("ERR max number of clients reached", "too_many_clients", None),
            ("ERR unknown command 'AUTH'", "auth_not_judged", None),
        ] {
            let finding = diagnosed(Outcome::NoVerdict(said.to_owned()));
            let cause = &finding.causes[0];
            assert_eq!((finding.verdict, cause.id), (Verdict::Problem, id));
            assert_eq!(cause.mend.first().map(String::as_str), mend);
            assert!(finding.evidence[0].contains(said), "{:?}", finding.evidence);
        }
        let finding =
            diagnosed(Outcome::Unanswered("AUTH had no answer: the server said nothing for 5 s".to_owned()));
        assert_eq!((finding.verdict, finding.causes[0].id), (Verdict::Problem, "auth_unanswered"));
    }

    #[test]
    fn with_it_there_is_one_cause() {
        let assigned =
            |object_id: &str| Assignment { object_id: object_id.to_owned(), policy: "default".to_owned() };
        for (entra, assignments, has_role, id) in [
            (Some(true), vec![], false, "no_assignment"),
            (None, vec![assigned("somebody")], false, "no_assignment"),
            (None, vec![assigned("somebody")], true, "rbac_only"),
            (None, vec![assigned(CLIENT_ID)], true, "another_id_assigned"),
            (Some(false), vec![assigned(OID)], true, "entra_off"),
            (Some(true), vec![assigned(OID)], true, "assignment_pending"),
        ] {
            let access = Access { is_entra_on: entra, assignments, has_role };
            let evidence = Evidence { access: Some(Ok(access)), ..refused(RejectionReason::NoAccessPolicy) };
            assert_eq!(ids(&evidence, CLASSIC), [id]);
        }
    }

    #[test]
    fn what_the_token_the_clock_or_the_pod_shows_is_the_one_cause() {
        let with = |name: &str, value: &str| {
            let mut evidence = refused(RejectionReason::NoAccessPolicy);
            evidence.claims.as_mut().unwrap()[name] = json!(value);
            evidence
        };
        assert_eq!(ids(&with("aud", "https://vault.azure.net"), MANAGED), ["wrong_audience"]);
        let by_client_id = Evidence { username: "app".to_owned(), ..refused(RejectionReason::ApplicationId) };
        assert_eq!(ids(&by_client_id, MANAGED), ["user_is_client_id"]);
        assert_eq!(ids(&refused(RejectionReason::ClockSkew), MANAGED), ["clock_off"]);
        assert_eq!(ids(&refused(RejectionReason::NoPermission), MANAGED), ["no_permission"]);
        assert_eq!(ids(&refused(RejectionReason::NodeIdentity), MANAGED), ["node_identity"]);
        let accepted = Evidence { outcome: Outcome::Accepted, ..refused(RejectionReason::Expired) };
        assert_eq!(diagnose(&accepted, &for_tests(MANAGED)).verdict, Verdict::Ok);
    }
}
