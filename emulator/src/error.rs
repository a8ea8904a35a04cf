//! Why something cannot be.

use std::fmt;

/// Why an emulator could not start or do what it was told, in a sentence that says what to do.
#[derive(Debug)]
pub struct Error {
    cause: Cause,
    message: String,
}

/// What stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// What was asked for makes no sense.
    Request,
    /// This machine does not give it: a port is taken, a folder cannot be written to.
    Machine,
    /// Another server does not answer.
    Network,
}

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { cause: Cause::Request, message: message.into() }
    }

    pub(crate) fn of_machine(message: impl Into<String>) -> Self {
        Self { cause: Cause::Machine, message: message.into() }
    }

    pub(crate) fn of_network(message: impl Into<String>) -> Self {
        Self { cause: Cause::Network, message: message.into() }
    }

    /// What stands in the way.
    #[must_use]
    pub fn cause(&self) -> Cause {
        self.cause
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
