//! What a provider reports while it works: typed, without secrets, each with the level of a log line.

use crate::error::Error;
use std::fmt;
use std::time::Duration;

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// Something an operator should look at: the state has changed for the worse.
    Warn = 1,
    /// A change that is as it should be: a new token.
    Info = 2,
    /// Each single step: every retry, every re-authentication.
    Debug = 3,
}

/// Something that happened to a provider. Its `Display` is a log line; it holds no secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ProviderEvent {
    /// A newer token is in service.
    TokenRefreshed {
        /// Its version.
        version: u64,
        /// Its expiry, milliseconds since the Unix epoch by this machine's clock.
        expires_unix_ms: u64,
        /// Entra's id of the token (claim `uti`): it is in the sign-in log.
        uti: Option<String>,
    },
    /// A request failed. A valid token stays in service.
    RefreshFailed {
        /// What went wrong.
        error: Error,
        /// Failures in a row, this one included.
        attempt: u32,
        /// Until the next request, at most.
        next_attempt_in: Duration,
        /// Whether this changes the provider's state: the first failure in a row, or one of another kind.
        changed: bool,
    },
    /// A listener's connections took the token of this version.
    Reauthenticated {
        /// The token's version.
        version: u64,
    },
    /// A listener's connections were refused with the token of this version.
    ReauthenticationFailed {
        /// The token's version.
        version: u64,
    },
    /// Listeners' connections are still on this version, past the margin before its expiry. Once for all of them.
    ListenerStale {
        /// The version that they are on.
        version: u64,
        /// How many listeners' connections are.
        listeners: usize,
    },
    /// A server refused the token of this version.
    Rejected {
        /// The token's version.
        version: u64,
    },
    /// A listener's callback panicked.
    ListenerFailed,
    /// A token came that will hardly be taken, or not as its owner expects.
    Warning {
        /// What is odd about it and what to do.
        message: String,
    },
    /// The provider was closed.
    Closed,
}

impl ProviderEvent {
    /// How much it matters.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::RefreshFailed { changed: false, .. } | Self::Reauthenticated { .. } => Level::Debug,
            Self::TokenRefreshed { .. } | Self::Closed => Level::Info,
            Self::RefreshFailed { .. }
            | Self::ReauthenticationFailed { .. }
            | Self::ListenerStale { .. }
            | Self::Rejected { .. }
            | Self::ListenerFailed
            | Self::Warning { .. } => Level::Warn,
        }
    }

    /// The name, the same in every language: `token_refreshed`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::TokenRefreshed { .. } => "token_refreshed",
            Self::RefreshFailed { .. } => "refresh_failed",
            Self::Reauthenticated { .. } => "reauthenticated",
            Self::ReauthenticationFailed { .. } => "reauthentication_failed",
            Self::ListenerStale { .. } => "listener_stale",
            Self::Rejected { .. } => "rejected",
            Self::ListenerFailed => "listener_failed",
            Self::Warning { .. } => "warning",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Display for ProviderEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TokenRefreshed { version, expires_unix_ms, uti } => {
                write!(f, "new token: version {version}, expires at {expires_unix_ms} ms since 1970")?;
                uti.as_ref().map_or(Ok(()), |uti| write!(f, ", uti {uti}"))
            }
            Self::RefreshFailed { error, attempt, next_attempt_in, .. } => {
                let kind = error.kind().name();
                let wait = next_attempt_in.as_secs_f64();
                write!(f, "token request failed ({kind}, {attempt} in a row, next in {wait:.1} s): {error}")
            }
            Self::Reauthenticated { version } => write!(f, "re-authenticated with token version {version}"),
            Self::ReauthenticationFailed { version } => {
                write!(f, "re-authentication with token version {version} was refused")
            }
            Self::ListenerStale { version, listeners: 1 } => write!(
                f,
                "connections are still on token version {version}, which is about to expire: their listener has \
                 not returned or not acknowledged a newer one"
            ),
            Self::ListenerStale { version, listeners } => write!(
                f,
                "connections are still on token version {version}, which is about to expire: their {listeners} \
                 listeners have not returned or not acknowledged a newer one"
            ),
            Self::Rejected { version } => write!(f, "a server refused token version {version}"),
            Self::ListenerFailed => f.write_str("a listener's callback failed; it is called again next time"),
            Self::Warning { message } => f.write_str(message),
            Self::Closed => f.write_str("the provider was closed"),
        }
    }
}
