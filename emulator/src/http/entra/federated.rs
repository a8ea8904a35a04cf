//! An assertion that another issuer made about an application: a cluster, a pipeline.
//!
//! <https://learn.microsoft.com/entra/workload-id/workload-identity-federation>

use super::Refusal;
use super::assertion::{Assertion, malformed};
use crate::identities::Application;
use crate::tenant::Tenant;
use jsonwebtoken::Algorithm;
use std::time::Duration;

/// Issuer, subject and audience are compared letter by letter, as Entra does since 2025.
pub(super) fn check(
    assertion: &Assertion<'_>,
    application: &Application,
    tenant: &Tenant,
    now: Duration,
) -> Result<(), Refusal> {
    if assertion.header.alg != Algorithm::RS256 {
        return Err(malformed());
    }
    let (issuer, subject) = (assertion.text("iss"), assertion.text("sub"));
    let audiences = assertion.audiences();
    let mut records: Vec<_> = application.federated.iter().collect();
    if records.is_empty() {
        let sentence = "The client has no configured federated identity credentials.";
        return Err(Refusal::new(401, "invalid_client", 70_025, sentence));
    }
    records.retain(|federated| federated.issuer == issuer);
    if records.is_empty() {
        return Err(unmatched(700_211, "issuer", issuer));
    }
    records.retain(|federated| federated.subject == subject);
    if records.is_empty() {
        return Err(unmatched(700_213, "subject", subject));
    }
    if !records.iter().any(|federated| audiences.contains(&federated.audience.as_str())) {
        return Err(unmatched(700_212, "audience", &audiences.join(", ")));
    }
    check_signature(assertion, tenant, issuer)?;
    assertion.check_time(now)
}

/// Entra names the first claim for which no credential is left.
/// <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>
fn unmatched(code: u32, claim: &str, presented: &str) -> Refusal {
    let sentence = format!(
        "No matching federated identity record found for presented assertion {claim} '{presented}'. Check your \
         federated identity credential Subject, Audience and Issuer against the presented assertion. \
         https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
    );
    Refusal::new(400, "invalid_request", code, sentence)
}

/// The key is the one that was given for the issuer, or the key of the emulator's own that the assertion names.
fn check_signature(assertion: &Assertion<'_>, tenant: &Tenant, issuer: &str) -> Result<(), Refusal> {
    let refuse = |reason: &str| {
        let sentence = format!("Client assertion contains an invalid signature. [Reason - {reason}]");
        Err(Refusal::client(700_027, sentence))
    };
    let signed = match tenant.directory.issuer_keys.get(issuer) {
        Some(key) => assertion.is_signed_by(key, Algorithm::RS256),
        None => {
            let named = assertion.header.kid.as_deref().and_then(|key_id| tenant.issuer_keys.find(key_id));
            let Some(key) = named else { return refuse("The key was not found.") };
            assertion.is_signed_by(&key.decoding, Algorithm::RS256)
        }
    };
    match signed {
        true => Ok(()),
        false => refuse("The key was found, but use of the key to verify the signature failed."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identities::Federated;
    use crate::tokens::{FederatedClaims, SigningKey, Timing};

    /// What becomes of a token about `presented`, as the workload of the default tenant.
    fn verdict(tenant: &Tenant, presented: &Federated, key: &SigningKey, lifetime: i64) -> Result<(), u32> {
        let (identity, _) = tenant.directory.workload().unwrap();
        let claims = FederatedClaims::new(presented, Timing { now: tenant.now(), lifetime });
        let token = key.sign(&claims).unwrap();
        let assertion = Assertion::parse(&token).unwrap();
        check(&assertion, identity.application().unwrap(), tenant, tenant.now())
            .map_err(|refusal| refusal.code)
    }

    #[test]
    fn only_what_is_registered_and_signed_by_its_issuer_stands_for_the_application() {
        let tenant = Tenant::for_tests();
        let key = &tenant.issuer_keys.signing().unwrap();
        let (_, registered) = tenant.directory.workload().unwrap();
        assert_eq!(verdict(&tenant, registered, key, 600), Ok(()));
        let registered = || registered.clone();
        let issuer = Federated { issuer: format!("{}/", registered().issuer), ..registered() };
        assert_eq!(verdict(&tenant, &issuer, key, 600), Err(700_211));
        let subject = Federated { subject: registered().subject.to_uppercase(), ..registered() };
        assert_eq!(verdict(&tenant, &subject, key, 600), Err(700_213));
        let audience = Federated { audience: "https://elsewhere".into(), ..registered() };
        assert_eq!(verdict(&tenant, &audience, key, 600), Err(700_212));
        assert_eq!(verdict(&tenant, &registered(), key, -1), Err(700_024));
        assert_eq!(
            verdict(&tenant, &registered(), &tenant.signing_keys.signing().unwrap(), 600),
            Err(700_027),
            "the tenant's own key"
        );
        tenant.issuer_keys.rotate().unwrap();
        assert_eq!(verdict(&tenant, &registered(), key, 600), Ok(()), "the issuer's old key");
        tenant.issuer_keys.retire();
        assert_eq!(verdict(&tenant, &registered(), key, 600), Err(700_027), "a retired key");
    }

    #[test]
    fn an_issuer_with_a_key_of_its_own_is_held_to_it() {
        let mut tenant = Tenant::for_tests();
        let (_, registered) = tenant.directory.workload().unwrap();
        let registered = registered.clone();
        let claims = FederatedClaims::new(&registered, Timing { now: tenant.now(), lifetime: 600 });
        let (own, other) = (tenant.issuer_keys.signing().unwrap(), tenant.signing_keys.signing().unwrap());
        let (mine, theirs) = (own.sign(&claims).unwrap(), other.sign(&claims).unwrap());
        let key = other.decoding.clone();
        tenant.directory.issuer_keys.insert(registered.issuer.clone(), key);
        let (_, application) = tenant
            .directory
            .applications()
            .find(|(_, application)| !application.federated.is_empty())
            .unwrap();
        let verdict = |token: &str| {
            check(&Assertion::parse(token).unwrap(), application, &tenant, tenant.now())
                .map_err(|refusal| refusal.code)
        };
        assert_eq!(verdict(&theirs), Ok(()));
        assert_eq!(verdict(&mine), Err(700_027));
    }
}
