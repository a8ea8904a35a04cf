//! Where tokens come from: one file for each way to authenticate.

mod advice;
mod application;
mod arc;
mod azure_tools;
mod certificate;
mod chain;
mod custom;
mod explained;
mod file;
mod managed_identity;
mod output;
mod pipelines;
mod process;
#[cfg(test)]
mod tests;

pub(crate) use certificate::Certificate;
pub(crate) use file::Stamp;

use crate::config::{IdentityChoice, Settings};
use crate::error::{Error, ErrorKind, Result};
use crate::grant::Grant;
use azure_core::http::Url;
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

    /// What has not come back, as a sentence, when `fetch` has overrun its time.
    fn blocked(&self) -> &'static str {
        "a file system, the start of a tool or the resolution of a name hangs."
    }

    /// What the host should be told about this token although it is one.
    fn advice(&self, _grant: &Grant) -> Option<String> {
        None
    }
}

/// The source that the settings describe. No I/O.
pub(crate) fn source(settings: &Arc<Settings>) -> Result<Box<dyn Source>> {
    Ok(Box::new(advice::Advised::new(settings, of(settings, &settings.identity)?)))
}

fn of(settings: &Arc<Settings>, choice: &IdentityChoice) -> Result<Box<dyn Source>> {
    match choice {
        IdentityChoice::ManagedIdentity { .. }
        | IdentityChoice::Application(_)
        | IdentityChoice::AzureCli { .. }
        | IdentityChoice::AzureDeveloperCli { .. } => explained::source(settings, choice),
        IdentityChoice::Chain(links) => chain::source(settings, links),
        IdentityChoice::Custom(callback) => {
            Ok(Box::new(custom::Custom { callback: callback.clone(), settings: settings.clone() }))
        }
    }
}

fn parse_url(what: &str, url: &str) -> Result<Url> {
    Url::parse(url)
        .map_err(|error| Error::new(ErrorKind::InvalidConfig, format!("{what} is not a URL: {error}.")))
}

/// What `azure_identity` says of arguments that it will not take.
fn refused(error: &azure_core::Error) -> Error {
    Error::new(ErrorKind::InvalidConfig, format!("{error}. Check the identity's configuration keys."))
}
