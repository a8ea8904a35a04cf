//! The clock.

use super::answer::{ControlState, Refusal, parse, respond};
use crate::control::{ClockChange, ClockState};
use axum::Json;
use axum::extract::State;
use axum::response::Response;

/// Show the clock by which tokens are minted, checked and expire
#[utoipa::path(get, path = "/emulator/clock", tag = "clock", responses(
    (status = 200, description = "What it shows", body = ClockState)))]
pub(super) async fn clock(State(control): ControlState) -> Json<ClockState> {
    Json(control.clock())
}

/// Set, move or scale the clock
#[utoipa::path(post, path = "/emulator/clock", tag = "clock", request_body = ClockChange, responses(
    (status = 200, description = "What it shows now", body = ClockState),
    (status = 400, description = "Nothing was changed", body = Refusal)))]
pub(super) async fn set_clock(State(control): ControlState, body: String) -> Response {
    respond(parse::<ClockChange>(&body).and_then(|change| control.set_clock(&change)))
}
