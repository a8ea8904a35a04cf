//! The identity: who is asked for a token, and what each link of the chain said.

use super::finding::{Cause, Finding};
use super::subject::Subject;
use crate::shell::word;
use entrakey_core::{Asked, ConfigReport, Error, ErrorKind, ManagedIdentityFault, Provider, read_claims};
use serde_json::Value;
use std::time::Duration;

pub(super) const STEP: &str = "identity";

/// A request to a token source, and what the chain needs besides.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Evidence {
    /// What each link of the default chain said; nothing without a chain.
    pub(super) links: Vec<(&'static str, Asked)>,
    /// Why there is no token.
    pub(super) error: Option<Error>,
    /// What a federated token says of itself.
    pub(super) assertion: Option<Assertion>,
}

/// The claims of a federated token that Entra compares. They are no secret.
pub(super) struct Assertion {
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) audience: String,
}

pub(super) fn gather(provider: &Provider, report: &ConfigReport, error: Option<Error>) -> Evidence {
    let links = provider.asked_identities();
    let assertion = error.as_ref().and_then(|_| assertion(report));
    Evidence { links, error, assertion }
}

fn assertion(report: &ConfigReport) -> Option<Assertion> {
    let file = |key: &str| report.values.iter().find(|value| value.key == key)?.text.as_deref();
    let path = file("federated_token_file").or_else(|| file("client_assertion_path"))?;
    let token = zeroize::Zeroizing::new(std::fs::read_to_string(path).ok()?);
    let claims = read_claims(token.trim())?;
    let text = |name: &str| match &claims[name] {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => items.first()?.as_str().map(str::to_owned),
        _ => None,
    };
    Some(Assertion { issuer: text("iss")?, subject: text("sub")?, audience: text("aud")? })
}

pub(super) fn diagnose(evidence: &Evidence, subject: &Subject) -> Finding {
    let links = evidence.links.iter().map(|(name, asked)| match asked {
        Asked::Answered => format!("{name}: gave a token"),
        Asked::Absent(reason) => {
            format!("{name}: is not there: {}", reason.message().trim_end_matches('.'))
        }
        Asked::Failed(error) => format!("{name}: is configured and gave no token: {}", error.message()),
        _ => format!("{name}: not asked"),
    });
    let finding = match &evidence.error {
        None => Finding::ok(STEP),
        Some(error) => Finding::problem(STEP, [cause(error, evidence, subject)]),
    };
    finding.seen(links)
}

fn cause(error: &Error, evidence: &Evidence, subject: &Subject) -> Cause {
    let (said, app) = (error.message(), subject.client_id());
    match error.aadsts() {
        Some(70_021 | 70_025 | 700_211 | 700_212 | 700_213 | 7_002_131 | 7_002_138) => {
            Cause::new("federated_credential", said).mended_by(federate(evidence.assertion.as_ref(), app))
        }
        Some(7_000_215) => Cause::new("client_secret_wrong", said).mended_by([reset(app)]),
        Some(7_000_222) => Cause::new("client_secret_expired", said).mended_by([reset(app)]),
        Some(700_024) => Cause::new("assertion_outside_its_time", said)
            .mended_by(["timedatectl set-ntp true".to_owned(), "chronyc makestep".to_owned()]),
        // It has numbers for its own troubles too.
        Some(_) if !error.is_retriable() => Cause::new("entra_refused", said),
        _ => {
            let fault = error.managed_identity();
            fault
                .and_then(|fault| of_managed_identity(fault, said, subject))
                .unwrap_or_else(|| Cause::new(name(error.kind()), said))
        }
    }
}

fn reset(app: &str) -> String {
    format!("az ad app credential reset --id {app} --append")
}

fn federate(assertion: Option<&Assertion>, app: &str) -> Vec<String> {
    let (issuer, subject, audience) = match assertion {
        Some(it) => (it.issuer.as_str(), it.subject.as_str(), it.audience.as_str()),
        None => ("ISSUER", "SUBJECT", "api://AzureADTokenExchange"),
    };
    let plain = |text: &str| text.chars().filter(|c| !c.is_control() && *c != '\'').collect::<String>();
    let [issuer, subject, audience] = [issuer, subject, audience].map(plain);
    let parameters =
        serde_json::json!({"name": "NAME", "issuer": issuer, "subject": subject, "audiences": [audience]});
    vec![
        format!(
            "az identity federated-credential create -g RG -n NAME --identity-name IDENTITY --issuer '{issuer}' \
             --subject '{subject}' --audiences '{audience}'"
        ),
        format!("az ad app federated-credential create --id {app} --parameters '{parameters}'"),
    ]
}

fn of_managed_identity(fault: ManagedIdentityFault, said: &str, subject: &Subject) -> Option<Cause> {
    let not_attached = || Cause::new("identity_not_attached", said);
    let show = "az vm identity show -g RG -n VM".to_owned();
    // Without an id it is the system-assigned one that is missing.
    let id = user_assigned(subject);
    let or_system = |option: &str, system: &str| match &id {
        Some(id) => format!(" {option} {id}"),
        None => system.to_owned(),
    };
    Some(match fault {
        ManagedIdentityFault::Several => Cause::new("several_identities", said).mended_by([show]),
        ManagedIdentityFault::NotAttachedToMachine => {
            let assign = format!("az vm identity assign -g RG -n VM{}", or_system("--identities", ""));
            not_attached().mended_by([assign, show])
        }
        ManagedIdentityFault::NotAttachedToApp => not_attached().mended_by([
            format!("az webapp identity assign -g RG -n APP{}", or_system("--identities", "")),
            format!(
                "az containerapp identity assign -g RG -n APP{}",
                or_system("--user-assigned", " --system-assigned")
            ),
        ]),
        ManagedIdentityFault::NotAttached => not_attached(),
        _ => return None,
    })
}

/// The resource id of the user-assigned identity that is configured, or what finds it.
fn user_assigned(subject: &Subject) -> Option<String> {
    let listed = |property, id| format!("$(az identity list --query \"[?{property}=='{id}'].id\" -o tsv)");
    let ids = &subject.ids;
    let by_resource = ids.resource_id.as_deref().map(word);
    let by_client = || ids.client_id.as_ref().map(|id| listed("clientId", id));
    let by_object = || ids.object_id.as_ref().map(|id| listed("principalId", id));
    by_resource.or_else(by_client).or_else(by_object)
}

fn name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::IdentityUnavailable => "no_identity",
        ErrorKind::UsernameUnavailable => "no_username",
        ErrorKind::Throttled => "throttled",
        ErrorKind::Timeout => "token_source_silent",
        ErrorKind::Network => "token_source_unreachable",
        ErrorKind::BadResponse => "token_source_answers_oddly",
        ErrorKind::InvalidConfig | ErrorKind::InvalidArgument => "configuration",
        _ => "no_token",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Ids;
    use crate::doctor::subject::for_tests;

    #[test]
    fn an_identity_that_is_not_attached_is_attached_as_what_it_is() {
        let id = || Some("12345678-c000-4000-8000-000000000000".to_owned());
        let none = Ids::default;
        for (ids, to_machine, to_app) in [
            (
                none(),
                "az vm identity assign -g RG -n VM",
                "az containerapp identity assign -g RG -n APP --system-assigned",
            ),
            (
                Ids { client_id: id(), ..none() },
                "az vm identity assign -g RG -n VM --identities $(az identity list --query \
                 \"[?clientId=='12345678-c000-4000-8000-000000000000'].id\" -o tsv)",
                "az containerapp identity assign -g RG -n APP --user-assigned $(az identity list --query \
                 \"[?clientId=='12345678-c000-4000-8000-000000000000'].id\" -o tsv)",
            ),
            (
                Ids { object_id: id(), ..none() },
                "az vm identity assign -g RG -n VM --identities $(az identity list --query \
                 \"[?principalId=='12345678-c000-4000-8000-000000000000'].id\" -o tsv)",
                "az containerapp identity assign -g RG -n APP --user-assigned $(az identity list --query \
                 \"[?principalId=='12345678-c000-4000-8000-000000000000'].id\" -o tsv)",
            ),
            (
                Ids { resource_id: Some("/subscriptions/s/x".to_owned()), ..none() },
                "az vm identity assign -g RG -n VM --identities /subscriptions/s/x",
                "az containerapp identity assign -g RG -n APP --user-assigned /subscriptions/s/x",
            ),
        ] {
            let subject = Subject { ids, ..for_tests("c.westeurope.redis.azure.net") };
            let mends = |fault| of_managed_identity(fault, "refused", &subject).unwrap().mend;
            assert_eq!(mends(ManagedIdentityFault::NotAttachedToMachine)[0], to_machine);
            assert_eq!(mends(ManagedIdentityFault::NotAttachedToApp)[1], to_app);
        }
    }
}
