//! What can go wrong on the way to a server.

use crate::Upstream;
use std::fmt;

/// At which step a connect failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DialFailure {
    /// There is no valid token.
    Token,
    /// The host's name has no address.
    Resolve,
    /// No address accepted a TCP connection.
    Connect,
    /// The other end does not speak TLS.
    NotTls,
    /// Its certificate is not one that is trusted for this name.
    Certificate,
    /// TLS failed otherwise, or the connection went away.
    Tls,
    /// The server let the token not in.
    Auth,
    /// The server answered, and it was no verdict on the token: it loads its data, or has as many clients as it may.
    Unready,
    /// The time for connecting was over.
    Timeout,
}

impl DialFailure {
    pub(crate) const ALL: [Self; 9] = [
        Self::Token,
        Self::Resolve,
        Self::Connect,
        Self::NotTls,
        Self::Certificate,
        Self::Tls,
        Self::Auth,
        Self::Unready,
        Self::Timeout,
    ];

    /// Whether the server could not be got at, or takes nobody at the moment: another one may.
    pub(crate) fn is_of_the_way(self) -> bool {
        matches!(self, Self::Connect | Self::Tls | Self::Unready | Self::Timeout)
    }

    /// The value of the metrics' label `reason`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::NotTls => "not_tls",
            Self::Certificate => "certificate",
            Self::Tls => "tls",
            Self::Auth => "auth",
            Self::Unready => "unready",
            Self::Timeout => "timeout",
        }
    }
}

/// Why there is no upstream connection. Its Display is one sentence or two that say what to do; it holds no secret.
#[derive(Clone, Debug)]
pub struct DialError {
    /// At which step.
    pub failure: DialFailure,
    /// Whether the same may work later without anybody mending anything.
    pub may_heal: bool,
    message: String,
}

/// The way out where there are several causes.
pub(crate) fn ask_the_doctor(upstream: &Upstream) -> String {
    format!("`entrakey doctor {upstream}` looks for the cause")
}

impl DialError {
    pub(crate) fn new(failure: DialFailure, may_heal: bool, message: impl Into<String>) -> Self {
        Self { failure, may_heal, message: message.into() }
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DialError {}
