//! Managed identity through the instance metadata service (IMDS) of an Azure machine.
//!
//! <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>

use super::refused;
use crate::config::{Settings, UserAssigned};
use crate::error::{Error, ErrorKind, Result};
use crate::transport::{Endpoint, Transport};
use azure_core::credentials::TokenCredential;
use azure_core::http::{ClientOptions, Transport as UpstreamTransport, Url};
use azure_identity::{ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId};
use std::sync::Arc;

pub(super) fn credential(
    settings: &Arc<Settings>,
    endpoint: &str,
    user_assigned: Option<&UserAssigned>,
) -> Result<Arc<dyn TokenCredential>> {
    let base = Url::parse(endpoint)
        .map_err(|error| Error::new(ErrorKind::InvalidConfig, format!("imds_endpoint: {error}.")))?;
    let transport = Transport::new(Endpoint::ManagedIdentity, Some(base), settings.clone());
    let options = ManagedIdentityCredentialOptions {
        user_assigned_id: user_assigned.map(|id| match id.clone() {
            UserAssigned::Client(id) => UserAssignedId::ClientId(id),
            UserAssigned::Object(id) => UserAssignedId::ObjectId(id),
            UserAssigned::Resource(id) => UserAssignedId::ResourceId(id),
        }),
        client_options: ClientOptions {
            transport: Some(UpstreamTransport::new(Arc::new(transport))),
            ..ClientOptions::default()
        },
    };
    let credential = ManagedIdentityCredential::new(Some(options)).map_err(|error| refused(&error))?;
    Ok(credential)
}
