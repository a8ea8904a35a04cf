//! What a provider reports while it works: typed, without secrets, each with the level of a log line.

use crate::error::Error;
use crate::rejection::Rejection;
use azure_core::time::{OffsetDateTime, to_rfc3339};
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
        /// How often that makes with this token. The 1st, the 100th, the 10,000th … is a warning.
        times: u64,
        /// Whether a [`ProviderEvent::Rejected`] has said why: then this one is no warning.
        explained: bool,
    },
    /// Connections are still on this version, past the margin before its expiry. Once for all of them.
    ListenerStale {
        /// The version that they are on.
        version: u64,
        /// How many are; a listener that does not say which connections it has is one.
        connections: usize,
    },
    /// A server refused the token of this version, at a connect or later.
    Rejected {
        /// The token's version.
        version: u64,
        /// The likely reason, and what to do.
        rejection: Rejection,
        /// How often that makes with this token and for this reason: clients try again, and have many connections. The
        /// 1st, the 100th, the 10,000th … is a warning.
        times: u64,
    },
    /// A listener's callback panicked.
    ListenerFailed {
        /// How often that makes with the token that is in service. The 1st, the 100th, the 10,000th … is a warning.
        times: u64,
    },
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
            Self::ReauthenticationFailed { explained: true, .. } => Level::Debug,
            Self::TokenRefreshed { .. } | Self::Closed => Level::Info,
            Self::ReauthenticationFailed { times, .. }
            | Self::Rejected { times, .. }
            | Self::ListenerFailed { times } => level_of_repeated(*times),
            Self::RefreshFailed { .. } | Self::ListenerStale { .. } | Self::Warning { .. } => Level::Warn,
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
            Self::ListenerFailed { .. } => "listener_failed",
            Self::Warning { .. } => "warning",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Display for ProviderEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TokenRefreshed { version, expires_unix_ms, uti } => {
                write!(f, "new token: version {version}, expires at {}", Utc(*expires_unix_ms))?;
                uti.as_ref().map_or(Ok(()), |uti| write!(f, ", uti {uti}"))
            }
            Self::RefreshFailed { error, attempt, next_attempt_in, .. } => {
                let kind = error.kind().name();
                let wait = next_attempt_in.as_secs_f64();
                write!(f, "token request failed ({kind}, {attempt} in a row, next in {wait:.1} s): {error}")
            }
            Self::Reauthenticated { version } => write!(f, "re-authenticated with token version {version}"),
            Self::ReauthenticationFailed { version, times, .. } => {
                write!(f, "re-authentication with token version {version} was refused{}", So(*times))
            }
            Self::ListenerStale { version, connections: 1 } => write!(
                f,
                "a connection is still on token version {version}, which is about to expire: it was not \
                 re-authenticated with a newer one, or nobody said so"
            ),
            Self::ListenerStale { version, connections } => write!(
                f,
                "{connections} connections are still on token version {version}, which is about to expire: they were \
                 not re-authenticated with a newer one, or nobody said so"
            ),
            Self::Rejected { rejection, times, .. } => {
                write!(f, "{}{}", rejection.explanation, So(*times))
            }
            Self::ListenerFailed { times } => {
                write!(f, "a listener's callback failed{}; it is called again next time", So(*times))
            }
            Self::Warning { message } => f.write_str(message),
            Self::Closed => f.write_str("the provider was closed"),
        }
    }
}

/// Whether the same trouble is worth a warning when it comes for the `times`th time. One line for each power of a hundred:
/// ten thousand connections that fail alike are three warnings, each with their number, and the ten tries of one are one.
#[must_use]
pub fn is_worth_a_warning(times: u64) -> bool {
    times.checked_ilog(100).is_some_and(|exponent| 100_u64.pow(exponent) == times)
}

fn level_of_repeated(times: u64) -> Level {
    if is_worth_a_warning(times) { Level::Warn } else { Level::Debug }
}

/// So many times so far, if that is worth a word.
struct So(u64);

impl fmt::Display for So {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > 1 { write!(f, " ({} times so far)", self.0) } else { Ok(()) }
    }
}

/// Milliseconds since 1970 as people and log collectors read a time (RFC 3339), in whole seconds.
struct Utc(u64);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = i64::try_from(self.0 / 1000).unwrap_or(i64::MAX);
        match OffsetDateTime::from_unix_timestamp(seconds) {
            Ok(time) => f.write_str(&to_rfc3339(&time)),
            Err(_) => write!(f, "{} ms since 1970", self.0), // after the year 9999
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_a_token_expires_is_said_as_a_time() {
        let of = |expires_unix_ms| {
            ProviderEvent::TokenRefreshed { version: 1, expires_unix_ms, uti: None }.to_string()
        };
        assert_eq!(of(1_795_939_458_720), "new token: version 1, expires at 2026-11-29T08:04:18Z");
        assert_eq!(of(u64::MAX), "new token: version 1, expires at 18446744073709551615 ms since 1970");
    }

    #[test]
    fn of_ten_thousand_alike_three_are_warnings_that_say_how_many() {
        let of = |times| ProviderEvent::ReauthenticationFailed { version: 7, times, explained: false };
        let warnings = (1..=10_000).map(of).filter(|event| event.level() == Level::Warn);
        let lines: Vec<_> = warnings.map(|event| event.to_string()).collect();
        let rest = ["", " (100 times so far)", " (10000 times so far)"];
        assert_eq!(
            lines,
            rest.map(|rest| format!("re-authentication with token version 7 was refused{rest}"))
        );
    }
}
