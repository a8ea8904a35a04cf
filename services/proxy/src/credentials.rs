//! A token as it is sent.

use crate::wire;
use entrakey_core::Token;
use std::fmt;
use std::time::Instant;
use zeroize::Zeroizing;

/// The `AUTH` of one token, for all connections.
pub(crate) struct Credentials {
    pub(crate) version: u64,
    pub(crate) username: String,
    /// The whole request. Wiped when dropped.
    pub(crate) request: Zeroizing<Vec<u8>>,
    /// When the token is no longer good, as far as it is known now.
    pub(crate) end: Instant,
}

impl Credentials {
    pub(crate) fn from_token(token: &Token) -> Self {
        let end = Instant::now() + token.usable_for();
        Self::new(token.version(), token.username(), token.secret(), end)
    }

    pub(crate) fn new(version: u64, username: &str, secret: &str, end: Instant) -> Self {
        let words = [b"AUTH", username.as_bytes(), secret.as_bytes()];
        Self { version, username: username.to_owned(), request: Zeroizing::new(wire::request(&words)), end }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials(version {})", self.version)
    }
}
