//! Why something could not be read, and the sentence that this becomes once it is known what it was.

use super::PASSWORD_KEY;
use crate::error::{Error, ErrorKind};

/// Says nothing of what was read: neither a key nor a password can get into an error by this way.
#[derive(Debug)]
pub(super) enum Fault {
    /// Not what it should be. (`der` names positions and kinds, never contents.)
    Damaged(der::Error),
    /// An algorithm that is not known here.
    Unsupported(String),
    /// The password does not fit, or there is none.
    Password,
}

impl From<der::Error> for Fault {
    fn from(error: der::Error) -> Self {
        Self::Damaged(error)
    }
}

impl From<der::ErrorKind> for Fault {
    fn from(kind: der::ErrorKind) -> Self {
        Self::Damaged(kind.into())
    }
}

impl Fault {
    pub(super) fn unsupported(what: impl std::fmt::Display) -> Self {
        Self::Unsupported(what.to_string())
    }

    /// The error for somebody who gave `what` and, perhaps, a password; `remedy` is the command that turns it into
    /// a form that can be read.
    pub(super) fn about(self, what: &str, password: Option<&str>, remedy: &str) -> Error {
        match self {
            Self::Damaged(error) => invalid(format!("{what} is damaged or something else: {error}.")),
            Self::Unsupported(it) => {
                invalid(format!("{what} uses {it}, which is not supported. Convert it: {remedy}"))
            }
            Self::Password if password.unwrap_or_default().is_empty() => {
                invalid(format!("{what} is encrypted: set {PASSWORD_KEY}."))
            }
            Self::Password => invalid(format!("{PASSWORD_KEY} does not open {what}: check it.")),
        }
    }
}

/// What is wrong is what was given.
pub(super) fn invalid(message: impl AsRef<str>) -> Error {
    Error::new(ErrorKind::InvalidConfig, message)
}
