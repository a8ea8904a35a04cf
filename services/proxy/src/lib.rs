//! Plain Redis in front, TLS and `AUTH <object id> <token>` behind: Entra tokens for Redis clients that cannot be changed.
//!
//! A [`Proxy`] is one upstream. Whoever listens hands it each accepted connection; it dials one connection upstream for
//! that client, carries bytes both ways, and authenticates again between two requests when the token is renewed.

#![forbid(unsafe_code)]

mod blocked;
mod cluster;
mod commands;
mod connection;
mod credentials;
mod dial;
mod dial_error;
mod ended;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod hangup;
mod metrics;
mod options;
mod outbox;
mod owed;
mod password;
mod proxy;
mod relay;
mod scan;
mod session;
mod side;
mod silence;
mod stream;
mod subscriber;
mod transaction;
#[cfg(test)]
mod trial;
mod unblock;
mod upstream;
mod warm;
mod wiped;
mod wire;

pub use cluster::{Node, NodeListeners, Nodes};
pub use dial_error::{DialError, DialFailure};
pub use ended::{By, Ended};
pub use hangup::ClientStream;
pub use metrics::{ConnectTimes, Counts, Metrics};
pub use options::Options;
pub use password::LocalPassword;
pub use proxy::{Dialed, Proxy};
pub use upstream::Upstream;
