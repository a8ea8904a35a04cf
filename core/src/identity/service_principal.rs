//! A service principal with a client secret: the OAuth 2.0 client credentials grant.
//!
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>

use super::{Source, Stamp, file, refused};
use crate::config::{SecretFrom, Settings};
use crate::error::Result;
use crate::grant::Grant;
use crate::transport::{Endpoint, Transport, exchange};
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::{ClientOptions, Transport as UpstreamTransport};
use azure_identity::{ClientSecretCredential, ClientSecretCredentialOptions};
use std::sync::Arc;
use std::time::Duration;

/// Makes a credential of upstream's for each request: the secret may have changed, and nothing is kept that a
/// forked child could inherit.
struct Principal {
    authority_host: String,
    tenant_id: String,
    client_id: String,
    secret: SecretFrom,
    scope: String,
    transport: Arc<Transport>,
}

impl Principal {
    fn credential(&self, secret: &str) -> Result<Arc<dyn TokenCredential>> {
        // The authority is always given: without one, upstream reads the environment or its own table.
        let mut cloud = CustomConfiguration::default();
        cloud.authority_host.clone_from(&self.authority_host);
        let options = ClientSecretCredentialOptions {
            client_options: ClientOptions {
                cloud: Some(Arc::new(CloudConfiguration::Custom(cloud))),
                transport: Some(UpstreamTransport::new(self.transport.clone())),
                ..ClientOptions::default()
            },
        };
        let secret = Secret::new(secret.to_owned());
        let made =
            ClientSecretCredential::new(&self.tenant_id, self.client_id.clone(), secret, Some(options));
        Ok(made.map_err(|error| refused(&error))?)
    }
}

impl Source for Principal {
    fn fetch(&self, timeout: Duration) -> Result<Grant> {
        let credential = match &self.secret {
            SecretFrom::Value(secret) => self.credential(secret),
            SecretFrom::File(path) => self.credential(&file::read("client_secret_path", path)?),
        }?;
        exchange(timeout, credential.get_token(&[&self.scope], None))
    }

    fn stamp(&self) -> Option<Stamp> {
        match &self.secret {
            SecretFrom::Value(_) => None,
            SecretFrom::File(path) => Some(file::stamp(path)),
        }
    }
}

pub(super) fn source(
    settings: &Arc<Settings>,
    authority_host: &str,
    tenant_id: &str,
    client_id: &str,
    secret: &SecretFrom,
) -> Result<Box<dyn Source>> {
    let principal = Principal {
        authority_host: authority_host.to_owned(),
        tenant_id: tenant_id.to_owned(),
        client_id: client_id.to_owned(),
        secret: secret.clone(),
        scope: settings.scope.clone(),
        transport: Arc::new(Transport::new(Endpoint::Entra, settings.clone())),
    };
    principal.credential("not the secret")?; // what upstream says of the other arguments, now and not later
    Ok(Box::new(principal))
}
