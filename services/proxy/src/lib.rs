//! Plain Redis in front, TLS and `AUTH <object id> <token>` behind: Entra tokens for Redis clients that cannot be changed.
//!
//! A [`Proxy`] is one upstream. Whoever listens hands it each accepted connection; it dials one connection upstream for
//! that client, carries bytes both ways, and authenticates again between two requests when the token is renewed.
//! How each state of a connection fares is in `docs/proxy.md`.

#![forbid(unsafe_code)]

mod ended;
mod metrics;
mod options;
mod password;
mod peer;
mod proxy;
mod upstream;

pub use ended::{By, Ended};
pub use metrics::{ConnectTimes, Counts, Metrics};
pub use options::Options;
pub use password::LocalPassword;
pub use peer::Peer;
pub use proxy::Proxy;
pub use upstream::{DialError, DialFailure, Dialed, Upstream, tls_config};
