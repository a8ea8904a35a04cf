//! The Redis plane: TLS, RESP2 and RESP3, and a check of every token.

mod access;
mod access_keys;
mod blocked;
mod cache;
mod clients;
mod cluster;
mod commands;
mod connection;
mod faults;
mod glob;
mod handle;
mod inline;
mod listening;
mod options;
mod plain;
mod plane;
mod proxy;
mod pubsub;
mod reply;
mod request;
mod session;
mod store;

pub use faults::{RedisFault, RedisFaultPoint};
pub use handle::Redis;
pub(crate) use listening::Ports;
pub use options::{ClusterPolicy, Dialect, Family, RedisOptions};
pub(crate) use plane::{Plane, Setup};
pub(crate) use proxy::Backend;
