//! The Redis plane: TLS, RESP2 and RESP3, and a check of every token.

mod clients;
mod commands;
mod connection;
mod glob;
mod plane;
mod pubsub;
mod reply;
mod request;
mod session;
mod store;

pub(crate) use plane::Plane;
