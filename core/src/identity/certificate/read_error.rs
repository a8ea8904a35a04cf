//! Why a key or a PFX could not be read, and the error that this becomes once it is known which of the two it is.

use crate::error::Error;

/// The configuration key that errors name.
const PASSWORD_KEY: &str = "certificate_password";

/// It says nothing of what was read, so that no key and no password can get into an error.
#[derive(Debug)]
pub(super) enum ReadError {
    /// The bytes are not what they should be. (`der` names positions and kinds, never contents.)
    Damaged(der::Error),
    /// An algorithm that is not known here.
    Unsupported(String),
    /// The password does not fit, or there is none.
    Password,
}

impl From<der::Error> for ReadError {
    fn from(error: der::Error) -> Self {
        Self::Damaged(error)
    }
}

impl From<der::ErrorKind> for ReadError {
    fn from(kind: der::ErrorKind) -> Self {
        Self::Damaged(kind.into())
    }
}

impl ReadError {
    pub(super) fn unsupported(what: impl std::fmt::Display) -> Self {
        Self::Unsupported(what.to_string())
    }

    /// The error for somebody who gave `what` and, perhaps, a password; `remedy` is the command that turns it into
    /// a form that can be read.
    pub(super) fn about(self, what: &str, password: Option<&str>, remedy: &str) -> Error {
        match self {
            Self::Damaged(error) => {
                Error::invalid_config(format!("{what} is damaged or something else: {error}."))
            }
            Self::Unsupported(it) => Error::invalid_config(format!(
                "{what} uses {it}, which is not supported. Convert it: {remedy}"
            )),
            Self::Password if password.unwrap_or_default().is_empty() => {
                Error::invalid_config(format!("{what} is encrypted: set {PASSWORD_KEY}."))
            }
            Self::Password => {
                let what = what.replacen("The ", "the ", 1);
                Error::invalid_config(format!("{PASSWORD_KEY} does not open {what}: check it."))
            }
        }
    }
}
