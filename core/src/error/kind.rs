//! The twelve kinds of error: the one table that the documentation and every binding show.

/// What kind of error, with a number that never changes. New kinds may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u32)]
pub enum ErrorKind {
    /// An argument of the call makes no sense (NULL, not UTF-8, a negative time-out).
    InvalidArgument = 1,
    /// A configuration key is unknown, missing or contradicts another.
    InvalidConfig = 2,
    /// The identity does not exist on this machine, or no managed identity endpoint is here.
    IdentityUnavailable = 3,
    /// Entra refused the identity; the AADSTS number says why.
    AuthRejected = 4,
    /// The source asks for fewer requests.
    Throttled = 5,
    /// The source could not be reached, or this process may not have what that takes (a thread, a descriptor).
    Network = 6,
    /// No answer within the time allowed.
    Timeout = 7,
    /// The source answered something that is not a token.
    BadResponse = 8,
    /// The token has no claim to take the Redis user name from.
    UsernameUnavailable = 9,
    /// The provider was closed.
    Closed = 10,
    /// The host's own callback failed.
    CallbackFailed = 11,
    /// A defect in this library; please report it.
    Internal = 12,
}

impl ErrorKind {
    /// Every kind, in the order of its number.
    pub const ALL: [Self; 12] = [
        Self::InvalidArgument,
        Self::InvalidConfig,
        Self::IdentityUnavailable,
        Self::AuthRejected,
        Self::Throttled,
        Self::Network,
        Self::Timeout,
        Self::BadResponse,
        Self::UsernameUnavailable,
        Self::Closed,
        Self::CallbackFailed,
        Self::Internal,
    ];

    /// The stable number, from 1.
    #[must_use]
    pub fn number(self) -> u32 {
        self as u32
    }

    /// The name, the same in every language: `INVALID_CONFIG`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::InvalidConfig => "INVALID_CONFIG",
            Self::IdentityUnavailable => "IDENTITY_UNAVAILABLE",
            Self::AuthRejected => "AUTH_REJECTED",
            Self::Throttled => "THROTTLED",
            Self::Network => "NETWORK",
            Self::Timeout => "TIMEOUT",
            Self::BadResponse => "BAD_RESPONSE",
            Self::UsernameUnavailable => "USERNAME_UNAVAILABLE",
            Self::Closed => "CLOSED",
            Self::CallbackFailed => "CALLBACK_FAILED",
            Self::Internal => "INTERNAL",
        }
    }

    /// Whether such an error usually passes by itself.
    pub(crate) fn is_retriable(self) -> bool {
        matches!(
            self,
            Self::Throttled | Self::Network | Self::Timeout | Self::BadResponse | Self::CallbackFailed
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_positions_in_the_table() {
        let numbers: Vec<u32> = ErrorKind::ALL.iter().map(|kind| kind.number()).collect();
        assert_eq!(numbers, (1..=12).collect::<Vec<_>>());
    }
}
