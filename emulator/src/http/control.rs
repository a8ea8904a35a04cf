//! The control API: what has happened, and the Redis plane's switch.

use super::Shared;
use crate::redis::Plane;
use crate::stats::Counts;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use std::sync::Arc;

pub(super) async fn stats(State(world): Shared) -> Json<Counts> {
    Json(world.stats.snapshot())
}

/// Closes the listener and every connection.
pub(super) async fn stop_redis(State(redis): State<Arc<Plane>>) -> StatusCode {
    redis.stop();
    StatusCode::NO_CONTENT
}

/// Listens on the same port again.
pub(super) async fn start_redis(State(redis): State<Arc<Plane>>) -> (StatusCode, String) {
    match redis.start().await {
        Ok(()) => (StatusCode::NO_CONTENT, String::new()),
        Err(error) => (StatusCode::CONFLICT, format!("the Redis plane cannot listen again: {error}\n")),
    }
}
