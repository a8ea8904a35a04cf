//! Federated tokens.

use super::answer::{ControlState, Refusal, parse, refuse, respond};
use crate::workload::{FederatedToken, Renewal};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

/// Make a new federated token, also in the workload's file
#[utoipa::path(post, path = "/emulator/federated_token", tag = "tokens", request_body = Option<Renewal>, responses(
    (status = 200, description = "The token", body = FederatedToken),
    (status = 400, description = "Nothing was changed", body = Refusal)))]
pub(super) async fn federated_token(State(control): ControlState, body: String) -> Response {
    match parse::<Renewal>(&body) {
        Ok(renewal) => respond(control.federated_token(renewal).await),
        Err(error) => refuse(StatusCode::BAD_REQUEST, error.to_string()),
    }
}
