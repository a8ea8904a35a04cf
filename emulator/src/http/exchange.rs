//! A request for a token while it is answered.

use crate::identities::{Federated, Identity};
use crate::tokens::{self, Claims, Minted, Wanted};
use crate::world::World;
use axum::extract::Extension;
use std::sync::{Arc, OnceLock};

/// As handlers get it.
pub(super) type InExchange = Extension<Arc<Exchange>>;

/// What a test wants of the token, and what the list of requests says of it afterwards.
#[derive(Debug)]
pub(super) struct Exchange {
    wanted: Wanted,
    /// The client's `client-request-id`, or one of ours: refusals and the list of requests name it.
    pub(super) correlation_id: String,
    given_to: OnceLock<String>,
}

impl Exchange {
    pub(super) fn new(wanted: Wanted, correlation_id: String) -> Self {
        Self { wanted, correlation_id, given_to: OnceLock::new() }
    }

    /// Who got a token.
    pub(super) fn given_to(&self) -> Option<String> {
        self.given_to.get().cloned()
    }

    /// A token with these claims, or one that is wrong in the way that was scripted.
    pub(super) fn mint(&self, world: &World, identity: &Identity, claims: Claims) -> Option<Minted> {
        let minted = tokens::mint(world, identity, claims, &self.wanted)?;
        self.given_to.get_or_init(|| identity.object_id.clone());
        Some(minted)
    }

    /// A managed identity's token for a resource.
    pub(super) fn mint_for(&self, world: &World, identity: &Identity, resource: &str) -> Option<Minted> {
        self.mint(world, identity, tokens::for_managed_identity(world, identity, resource))
    }

    /// A federated token for an application.
    pub(super) fn mint_federated(
        &self,
        world: &World,
        federated: &Federated,
        lifetime: u32,
    ) -> Option<String> {
        let token = tokens::mint_federated(world, federated, lifetime, &self.wanted)?;
        self.given_to.get_or_init(|| federated.subject.clone());
        Some(token)
    }
}
