//! Where tokens come from: one file for each way to authenticate.

mod application;
mod arc;
mod arguments;
mod callback;
mod certificate;
mod chain;
mod credential_file;
mod explaining_source;
mod guarded_source;
mod managed_identity;
mod pipelines;
mod source;
#[cfg(test)]
mod tests;
mod token_file;
mod tool;
mod tool_output;
mod tool_process;

pub(crate) use certificate::Certificate;
pub use chain::Asked;
pub(crate) use credential_file::Stamp;
pub(crate) use source::Source;

use crate::config::{IdentityChoice, Settings};
use crate::error::Result;
use std::sync::Arc;

/// The source that the settings describe. No I/O.
pub(crate) fn source(settings: &Arc<Settings>) -> Result<Box<dyn Source>> {
    let source = match &settings.identity {
        IdentityChoice::Single(identity) => explaining_source::source(settings, identity)?,
        IdentityChoice::Custom(callback) => callback::source(settings, callback),
        IdentityChoice::Chain(links) => chain::source(settings, links)?,
    };
    Ok(Box::new(guarded_source::GuardedSource::new(settings, source)))
}
