//! The resources that exist in the tenant: those of Redis, and some that every tenant has.

use crate::identities::Identity;

const RESOURCES: [&str; 7] = [
    "https://redis.azure.com",
    "acca5fbb-b7e4-4009-81f1-37e38fd66d78",
    "https://management.azure.com",
    "https://graph.microsoft.com",
    "https://vault.azure.net",
    "https://storage.azure.com",
    "https://database.windows.net",
];

/// The resource by its own name, if it exists.
pub(super) fn known(resource: &str) -> Option<&'static str> {
    RESOURCES.into_iter().find(|known| known.eq_ignore_ascii_case(resource.trim_end_matches('/')))
}

/// Entra's sentence about a resource that does not exist.
pub(super) fn unknown(resource: &str, client_id: &str) -> String {
    format!(
        "The resource principal named {resource} was not found in the tenant named Emulated. This can happen if the \
         application with client id {client_id} has sent its request to the wrong tenant."
    )
}

/// Entra's sentence as a managed identity endpoint passes it on.
pub(super) fn unknown_to(identity: &Identity, resource: &str) -> String {
    format!("AADSTS500011: {}", unknown(resource, &identity.client_id))
}
