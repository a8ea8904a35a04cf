//! What the state machine is told, and what it asks for.

use crate::error::{Error, Result};
use crate::event::ProviderEvent;
use crate::grant::Grant;
use crate::token::Token;
use std::sync::Arc;
use std::time::Duration;

/// What a call for a token does when the last request failed and there is no valid token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DuringOutage {
    /// It waits for the next attempt, until its deadline.
    #[default]
    Wait,
    /// It returns the last error at once. For adapters that a client calls again and again while it connects.
    Report,
}

/// What a caller of `get_token` wants.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// Until when the caller will wait, on the boot clock.
    pub deadline: Duration,
    /// What it wants while requests fail.
    pub during_outage: DuringOutage,
    /// Whether the token is for somebody who keeps it for a while.
    pub hands_on: bool,
}

/// What happened.
pub enum Input {
    /// Somebody wants a token and waits for the [`Action::Resolve`] of this number.
    Get(u64, Wish),
    /// The alarm's time has come.
    Timer,
    /// The request of this number brought a token.
    Answered(u64, Grant),
    /// The request of this number failed.
    Failed(u64, Error),
    /// The host wants another token.
    Refresh,
    /// The file that holds the credential has changed.
    CredentialChanged,
    /// A server refused the token of this version.
    Rejected(u64),
    /// A listener of this number is there, for tokens that replace another.
    Subscribed(u64),
    /// A listener of this number is there; if there is no valid token now, the next one is news for it too.
    Awaiting(u64),
    /// The listener of this number is gone.
    Unsubscribed(u64),
    /// A listener's callback has returned, properly or with a panic.
    Returned {
        /// The listener.
        listener: u64,
        /// Whether it panicked.
        panicked: bool,
    },
    /// A listener says what became of its re-authentication with the token of this version.
    Acknowledged {
        /// The listener.
        listener: u64,
        /// The token's version.
        version: u64,
        /// Whether the server took it.
        accepted: bool,
    },
    /// A listener has a connection of this number, which is in its handshake.
    Connected {
        /// The listener.
        listener: u64,
        /// The connection.
        connection: u64,
    },
    /// A server took the token of this version on a connection.
    Authenticated {
        /// The listener.
        listener: u64,
        /// The connection.
        connection: u64,
        /// The token's version.
        version: u64,
    },
    /// A server did not take the token of this version on a connection.
    Refused {
        /// The listener.
        listener: u64,
        /// The connection.
        connection: u64,
        /// The token's version.
        version: u64,
    },
    /// A connection is closed.
    Disconnected {
        /// The listener.
        listener: u64,
        /// The connection.
        connection: u64,
    },
    /// The host wants nothing more.
    Close,
}

impl Input {
    /// Whether it brings nothing to any caller but one who has just come. Time alone brings a time-out: that is
    /// the alarm's.
    pub(super) fn answers_nobody(&self) -> bool {
        match self {
            Self::Get(..) | Self::Subscribed(_) | Self::Awaiting(_) | Self::Unsubscribed(_) => true,
            Self::Returned { .. } | Self::Acknowledged { .. } | Self::Connected { .. } => true,
            Self::Authenticated { .. } | Self::Refused { .. } | Self::Disconnected { .. } => true,
            Self::Timer | Self::Answered(..) | Self::Failed(..) | Self::Close => false,
            Self::Refresh | Self::CredentialChanged | Self::Rejected(_) => false,
        }
    }
}

/// What is to be done about it.
#[derive(Debug)]
pub enum Action {
    /// Start the request of this number, with this time-out, and tell how it ended.
    Fetch(u64, Duration),
    /// Let every reader see this token.
    Publish(Arc<Token>),
    /// Answer the caller of this number.
    Resolve(u64, Result<Arc<Token>>),
    /// Call the listener of this number soon, with what `take_news` then gives.
    Notify(u64),
    /// Tell whoever observes the provider.
    Report(ProviderEvent),
}
