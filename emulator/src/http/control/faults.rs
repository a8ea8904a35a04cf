//! Scripted answers.

use super::answer::{ControlState, Refusal, parse, respond};
use crate::scripts::faults::{FaultQueues, Script};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

/// Show how many scripted answers wait, and the names of the routes
#[utoipa::path(get, path = "/emulator/faults", tag = "faults", responses(
    (status = 200, description = "How many wait", body = FaultQueues)))]
pub(super) async fn faults(State(control): ControlState) -> Json<FaultQueues> {
    Json(control.faults())
}

/// Queue answers for a route
#[utoipa::path(post, path = "/emulator/faults", tag = "faults", request_body = Script, responses(
    (status = 200, description = "How many wait now", body = FaultQueues),
    (status = 400, description = "None was queued", body = Refusal)))]
pub(super) async fn add_faults(State(control): ControlState, body: String) -> Response {
    respond(parse::<Script>(&body).and_then(|script| control.add_faults(script)))
}

/// Forget all scripted answers that wait
#[utoipa::path(delete, path = "/emulator/faults", tag = "faults", responses(
    (status = 204, description = "None waits")))]
pub(super) async fn clear_faults(State(control): ControlState) -> StatusCode {
    control.scripts.faults.clear();
    StatusCode::NO_CONTENT
}
