//! How a connection ended, for the log and the metrics.

use std::fmt;

/// Which side ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The client closed, sent `QUIT`, or sent what is no request.
    Client,
    /// The server closed, or sent what is no reply.
    Upstream,
    /// The proxy: no upstream connection could be made, or it could not vouch for whose the next reply is.
    Proxy,
}

impl By {
    /// The value of the metrics' label `by`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Upstream => "upstream",
            Self::Proxy => "proxy",
        }
    }
}

/// How a connection ended. Its Display is a sentence for the log; it holds no secret and nothing of what the client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ended {
    /// Who ended it.
    pub by: By,
    /// Whether somebody should look at it: it did not end as connections do.
    pub is_failure: bool,
    /// Whether there was a connection to the server.
    pub had_server: bool,
    /// Why, in a sentence.
    pub why: String,
}

impl Ended {
    /// As connections do.
    pub(crate) fn normally(by: By, why: &str) -> Self {
        Self { by, is_failure: false, had_server: false, why: why.to_owned() }
    }

    /// In a way that somebody should look at.
    pub(crate) fn badly(by: By, why: impl Into<String>) -> Self {
        Self { by, is_failure: true, had_server: false, why: why.into() }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}
