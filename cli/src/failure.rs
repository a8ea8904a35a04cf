//! Why a command ends, and with which exit code.

use entrakey_core::ErrorKind;
use std::fmt;

/// A problem was found.
pub(crate) const PROBLEM: u8 = 1;
/// What was asked for makes no sense.
pub(crate) const USAGE: u8 = 2;
/// There is no identity here.
pub(crate) const NO_IDENTITY: u8 = 3;
/// Entra or a server refused it.
pub(crate) const REFUSED: u8 = 4;
/// Somebody could not be reached.
pub(crate) const NETWORK: u8 = 5;

/// A sentence and an exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    message: String,
}

impl Failure {
    pub(crate) fn new(code: u8, message: impl fmt::Display) -> Self {
        Self { code, message: message.to_string() }
    }

    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(USAGE, message)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<entrakey_core::Error> for Failure {
    fn from(error: entrakey_core::Error) -> Self {
        Self::new(code_of(error.kind()), error)
    }
}

/// The exit code of an error of the library's.
pub(crate) fn code_of(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::InvalidArgument | ErrorKind::InvalidConfig => USAGE,
        ErrorKind::IdentityUnavailable => NO_IDENTITY,
        ErrorKind::AuthRejected | ErrorKind::UsernameUnavailable => REFUSED,
        ErrorKind::Throttled | ErrorKind::Network | ErrorKind::Timeout | ErrorKind::BadResponse => NETWORK,
        _ => PROBLEM,
    }
}
