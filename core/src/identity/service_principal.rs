//! A service principal with a client secret: the OAuth 2.0 client credentials grant.
//!
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>

use super::refused;
use crate::config::Settings;
use crate::error::Result;
use crate::transport::{Endpoint, Transport};
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::{ClientOptions, Transport as UpstreamTransport};
use azure_identity::{ClientSecretCredential, ClientSecretCredentialOptions};
use std::sync::Arc;

pub(super) fn credential(
    settings: &Arc<Settings>,
    authority_host: &str,
    tenant_id: &str,
    client_id: &str,
    secret: &str,
) -> Result<Arc<dyn TokenCredential>> {
    // The authority is always given: without one, upstream reads the environment or its own table.
    let mut cloud = CustomConfiguration::default();
    cloud.authority_host = authority_host.to_owned();
    let transport = Transport::new(Endpoint::Entra, settings.clone());
    let options = ClientSecretCredentialOptions {
        client_options: ClientOptions {
            cloud: Some(Arc::new(CloudConfiguration::Custom(cloud))),
            transport: Some(UpstreamTransport::new(Arc::new(transport))),
            ..ClientOptions::default()
        },
    };
    let secret = Secret::new(secret.to_owned());
    let credential = ClientSecretCredential::new(tenant_id, client_id.to_owned(), secret, Some(options))
        .map_err(|error| refused(&error))?;
    Ok(credential)
}
