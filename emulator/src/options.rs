//! What can be chosen when the emulator starts.

use crate::error::Error;
use crate::notes::NoteSink;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// What can be chosen when the emulator starts. The default: free ports, tokens of one hour, no notes.
#[derive(Clone)]
pub struct Options {
    /// The port of the instance metadata service and of the control API; 0 takes a free one.
    pub http_port: u16,
    /// The port of Entra; 0 takes a free one.
    pub https_port: u16,
    /// The port of Redis; 0 takes a free one.
    pub redis_port: u16,
    /// How long a token is valid: whole seconds, from one second to 365 days.
    pub token_lifetime: Duration,
    /// Where to write the CA's certificate (PEM). A file named here stays when the emulator ends; the default, a file
    /// in a temporary folder, does not.
    pub ca_file: Option<PathBuf>,
    /// Takes one line for each token issued, AUTH accepted or refused, connection closed. Never a token or a secret.
    pub notes: Option<NoteSink>,
}

impl Options {
    pub(crate) fn check(&self) -> Result<(), Error> {
        let whole_seconds = self.token_lifetime.subsec_nanos() == 0;
        let in_range = (1..=365 * 86_400).contains(&self.token_lifetime.as_secs());
        if whole_seconds && in_range { Ok(()) } else { Err(Error::TokenLifetime) }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            http_port: 0,
            https_port: 0,
            redis_port: 0,
            token_lifetime: Duration::from_secs(3600),
            ca_file: None,
            notes: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Options")
            .field("http_port", &self.http_port)
            .field("https_port", &self.https_port)
            .field("redis_port", &self.redis_port)
            .field("token_lifetime", &self.token_lifetime)
            .field("ca_file", &self.ca_file)
            .field("notes", &self.notes.is_some())
            .finish()
    }
}
