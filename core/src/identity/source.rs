//! What every way to authenticate does.

use super::chain::Asked;
use super::credential_file::Stamp;
use crate::error::Result;
use crate::grant::Grant;
use std::time::Duration;

/// A source of tokens for one scope.
pub(crate) trait Source: Send + Sync {
    /// Asks for a token. Blocks for `timeout` at most, on the caller's thread.
    fn fetch(&self, timeout: Duration) -> Result<Grant>;

    /// The state of the files that hold the credential; none if no file does. If the state differs from that at the last
    /// request, it is worth while to ask again. May block as long as the file system does.
    fn stamp(&self) -> Option<Stamp> {
        None
    }

    /// A sentence for a `fetch` that has overrun its time: what has not come back.
    fn blocked(&self) -> &'static str {
        "a file system, the start of a tool or the resolution of a name hangs."
    }

    /// What each identity of a chain said the last time that they were gone through: its name and that. Empty without a chain.
    fn asked(&self) -> Vec<(&'static str, Asked)> {
        Vec::new()
    }

    /// What the host should be told about a token although the token is valid.
    fn advice(&self, _grant: &Grant) -> Option<String> {
        None
    }
}
