//! Where tokens come from: one file for each way to authenticate.

mod arc;
mod managed_identity;
mod service_principal;
#[cfg(test)]
mod tests;

use crate::config::{IdentityChoice, Settings};
use crate::error::{Error, ErrorKind, Result};
use crate::grant::Grant;
use crate::transport::exchange;
use azure_core::credentials::TokenCredential;
use std::sync::Arc;
use std::time::Duration;

/// A source of tokens for one scope.
pub(crate) trait Source: Send + Sync {
    /// Asks for a token. Blocks for `timeout` at most, on the caller's thread.
    fn fetch(&self, timeout: Duration) -> Result<Grant>;
}

/// The source that the settings describe. No I/O.
pub(crate) fn source(settings: &Arc<Settings>) -> Result<Box<dyn Source>> {
    let credential = match &settings.identity {
        IdentityChoice::ManagedIdentity { host, user_assigned } => {
            return managed_identity::source(settings, host, user_assigned.as_ref());
        }
        IdentityChoice::ServicePrincipal { authority_host, tenant_id, client_id, secret } => {
            service_principal::credential(settings, authority_host, tenant_id, client_id, secret)?
        }
    };
    Ok(Box::new(Upstream { credential, scope: settings.scope.clone() }))
}

/// A credential of `azure_identity` over our transport.
struct Upstream {
    credential: Arc<dyn TokenCredential>,
    scope: String,
}

impl Source for Upstream {
    fn fetch(&self, timeout: Duration) -> Result<Grant> {
        exchange(timeout, self.credential.get_token(&[&self.scope], None))
    }
}

/// What `azure_identity` says of arguments that it will not take.
fn refused(error: &azure_core::Error) -> Error {
    Error::new(ErrorKind::InvalidConfig, format!("{error}. Check the identity's configuration keys."))
}
