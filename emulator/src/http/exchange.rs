//! A request for a token while it is answered.

use crate::identities::{Federated, Identity};
use crate::tenant::Tenant;
use crate::tokens::{self, Claims, MintedToken, Timing, TokenScript};
use crate::witness::Witness;
use axum::extract::Extension;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// The exchange as a handler gets it.
pub(super) type InExchange = Extension<Arc<Exchange>>;

/// What a test has scripted for the token, and what is recorded of the answer.
#[derive(Debug)]
pub(super) struct Exchange {
    script: TokenScript,
    /// The client's `client-request-id`, or one of ours: refusals and the list of requests name it.
    pub(super) correlation_id: String,
    given_to: OnceLock<String>,
    witness: Arc<Witness>,
}

impl Exchange {
    pub(super) fn new(script: TokenScript, correlation_id: String, witness: Arc<Witness>) -> Self {
        Self { script, correlation_id, given_to: OnceLock::new(), witness }
    }

    /// The object id, or the subject, that got a token.
    pub(super) fn given_to(&self) -> Option<String> {
        self.given_to.get().cloned()
    }

    /// A line of the log about what is answered.
    pub(super) fn note(&self, line: fmt::Arguments<'_>) {
        self.witness.log.note(line);
    }

    /// Counts a refusal under its reason, and notes it.
    pub(super) fn refused(&self, reason: String, line: fmt::Arguments<'_>) {
        self.witness.stats.token_refused(reason);
        self.note(line);
    }

    /// A token with these claims, or one that is wrong in the way that was scripted.
    pub(super) fn mint(&self, tenant: &Tenant, identity: &Identity, claims: Claims) -> Option<MintedToken> {
        let object_id = &identity.object_id;
        let minted = tenant.mint.token(object_id, claims, &self.script)?;
        self.witness.stats.token_issued(object_id);
        self.note(format_args!("{} token for {object_id}", identity.kind_name()));
        self.given_to.get_or_init(|| object_id.clone());
        Some(minted)
    }

    /// A managed identity's token for a resource.
    pub(super) fn mint_for(
        &self,
        tenant: &Tenant,
        identity: &Identity,
        resource: &str,
    ) -> Option<MintedToken> {
        self.mint(tenant, identity, tenant.issuance().for_managed_identity(identity, resource))
    }

    /// A federated token for an application, valid for so many seconds.
    pub(super) fn mint_federated(
        &self,
        tenant: &Tenant,
        federated: &Federated,
        lifetime: u32,
    ) -> Option<String> {
        let timing = Timing { now: tenant.now(), lifetime: lifetime.into() };
        let token = tokens::mint_federated(&tenant.issuer_keys, federated, timing, &self.script)?;
        self.given_to.get_or_init(|| federated.subject.clone());
        Some(token)
    }
}
