//! Tokens of the outside issuers that the emulator plays: a Kubernetes cluster, Azure Pipelines, and the like.

use super::claims::random;
use crate::identities::Federated;
use serde::Serialize;
use std::time::Duration;

#[derive(Debug, Serialize)]
pub(crate) struct FederatedClaims {
    iss: String,
    sub: String,
    aud: [String; 1],
    iat: u64,
    nbf: u64,
    pub(crate) exp: u64,
    jti: String,
}

/// From when and for how long a federated token is valid.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    pub(crate) now: Duration,
    /// Negative for one that has expired already.
    pub(crate) lifetime: i64,
}

impl FederatedClaims {
    pub(crate) fn new(federated: &Federated, Timing { now, lifetime }: Timing) -> Self {
        let now = now.as_secs();
        let exp = now.saturating_add_signed(lifetime);
        // One that has expired was valid once.
        let issued = if lifetime > 0 { now } else { exp.saturating_sub(60) };
        Self {
            iss: federated.issuer.clone(),
            sub: federated.subject.clone(),
            aud: [federated.audience.clone()],
            iat: issued,
            nbf: issued,
            exp,
            jti: random(16),
        }
    }
}
