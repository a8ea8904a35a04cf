//! `entrakey proxy` as a user types it, in front of the emulator.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should panic"
)]

mod bad_input;
mod clients;
mod cluster;
mod ending;
mod probes;
mod running;
mod settings;
mod sockets;
mod warm;
