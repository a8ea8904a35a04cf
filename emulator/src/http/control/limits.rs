//! The limits of IMDS.

use super::answer::{ControlState, Refusal, parse, respond};
use crate::control::Limits;
use axum::Json;
use axum::extract::State;
use axum::response::Response;

/// Show which limits hold
#[utoipa::path(get, path = "/emulator/limits", tag = "faults", responses(
    (status = 200, description = "Which hold", body = Limits)))]
pub(super) async fn limits(State(control): ControlState) -> Json<Limits> {
    Json(control.limits())
}

/// Switch limits on or off
#[utoipa::path(post, path = "/emulator/limits", tag = "faults", request_body = Limits, responses(
    (status = 200, description = "Which hold now", body = Limits),
    (status = 400, description = "Nothing was changed", body = Refusal)))]
pub(super) async fn set_limits(State(control): ControlState, body: String) -> Response {
    respond(parse::<Limits>(&body).map(|limits| {
        control.set_limits(limits);
        control.limits()
    }))
}
