//! A token as a source hands it over.

use std::time::Duration;
use zeroize::Zeroizing;

/// A token as it came: who it is for, and how long it was good when the request was sent. It has no Debug,
/// which would show the secret.
pub struct Grant {
    /// The access token.
    pub secret: Zeroizing<String>,
    /// The Redis user name.
    pub username: String,
    /// The validity left, counted from `sent_at`. Zero: the token had expired when it was handed out.
    pub remaining: Duration,
    /// From issue to expiry: what margins scale with. Zero: neither is known, and nothing is left.
    pub lifetime: Duration,
    /// Whether the token says itself how long it lives (`iat` and `exp`). Else `lifetime` is what is left of it, which
    /// is less than it lives if the source has kept it for a while.
    pub is_life_stated: bool,
    /// When the source itself wants to be asked again, counted from now.
    pub refresh_in: Option<Duration>,
    /// When the request was sent, on the boot clock.
    pub sent_at: Duration,
    /// From when it may be used (`nbf` by the server's clock), counted from when the answer came.
    pub not_before: Duration,
    /// This machine's wall clock less the server's, in milliseconds, to about a second.
    pub skew_ms: Option<i64>,
    /// Entra's id of the token (claim `uti`), which its sign-in log shows.
    pub uti: Option<String>,
}

impl Grant {
    /// End of validity, on the boot clock.
    pub(crate) fn end(&self) -> Duration {
        self.sent_at + self.remaining
    }
}
