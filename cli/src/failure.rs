//! Why a command ends, and with which exit code.

use crate::exit_code::{self, PROBLEM, USAGE};
use std::fmt;

/// A sentence, what to do, and an exit code.
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

/// Why there was no answer over HTTP, without the name of the error's kind, which ureq puts in front.
pub(crate) fn no_answer(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<entrakey_core::Error> for Failure {
    fn from(error: entrakey_core::Error) -> Self {
        // Without the time of the next attempt: the command ends, and there is none.
        let id = error.correlation_id().map(|id| format!(" (correlation id {id})")).unwrap_or_default();
        Self::new(exit_code::of_kind(error.kind()), format_args!("{}{id}", error.message()))
    }
}

impl From<entrakey_emulator::Error> for Failure {
    fn from(error: entrakey_emulator::Error) -> Self {
        Self::new(exit_code::of_cause(error.cause()), error)
    }
}

/// The machine does not do something that it can do as a rule.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(PROBLEM, error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::new(PROBLEM, error)
    }
}
