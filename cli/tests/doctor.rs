//! `entrakey doctor` and `entrakey migration`, the real commands, against an emulator that is set up wrongly.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should panic"
)]

#[path = "doctor/bench.rs"]
mod bench;
#[path = "doctor/healthy.rs"]
mod healthy;
#[path = "doctor/migration.rs"]
mod migration;
#[path = "doctor/rows.rs"]
mod rows;
#[path = "doctor/unseen.rs"]
mod unseen;
