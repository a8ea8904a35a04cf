//! Waits for moments that may never come.

use crate::clock::Clock;
use std::time::Duration;
use tokio::time::Instant;

/// Resolves when the clock shows the time; never without one.
pub(in crate::redis) async fn until(clock: &Clock, at: Option<Duration>) {
    match at {
        Some(at) => clock.reached(at).await,
        None => std::future::pending().await,
    }
}

pub(in crate::redis) async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
