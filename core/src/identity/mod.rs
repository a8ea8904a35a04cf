//! Where tokens come from: one file for each way to authenticate.

mod arc;
mod certificate;
mod file;
mod managed_identity;
mod service_principal;
#[cfg(test)]
mod tests;

pub(crate) use file::Stamp;

use crate::config::{IdentityChoice, Settings};
use crate::error::{Error, ErrorKind, Result};
use crate::grant::Grant;
use std::sync::Arc;
use std::time::Duration;

/// A source of tokens for one scope.
pub(crate) trait Source: Send + Sync {
    /// Asks for a token. Blocks for `timeout` at most, on the caller's thread.
    fn fetch(&self, timeout: Duration) -> Result<Grant>;

    /// The state of the file that holds the credential: another one than at the last request means that
    /// asking again is worth while. None if no file does. May block as long as the file system does.
    fn stamp(&self) -> Option<Stamp> {
        None
    }
}

/// The source that the settings describe. No I/O.
pub(crate) fn source(settings: &Arc<Settings>) -> Result<Box<dyn Source>> {
    match &settings.identity {
        IdentityChoice::ManagedIdentity { host, user_assigned } => {
            managed_identity::source(settings, host, user_assigned.as_ref())
        }
        IdentityChoice::ServicePrincipal { authority_host, tenant_id, client_id, secret } => {
            service_principal::source(settings, authority_host, tenant_id, client_id, secret)
        }
    }
}

/// What `azure_identity` says of arguments that it will not take.
fn refused(error: &azure_core::Error) -> Error {
    Error::new(ErrorKind::InvalidConfig, format!("{error}. Check the identity's configuration keys."))
}
