//! The counts, and the list of requests.

use super::answer::{ControlState, Refusal, refuse};
use crate::scripts::faults::ROUTES;
use crate::witness::requests::Requests;
use crate::witness::stats::Counts;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::IntoParams;

/// Show what has happened, counted
#[utoipa::path(get, path = "/emulator/stats", tag = "observe", responses(
    (status = 200, description = "Since the start", body = Counts)))]
pub(super) async fn stats(State(control): ControlState) -> Json<Counts> {
    Json(control.stats())
}

/// Which requests.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Those of this route only.
    route: Option<String>,
}

/// List the last 1000 requests of the token plane, without secrets
#[utoipa::path(get, path = "/emulator/requests", tag = "observe", params(Filter), responses(
    (status = 200, description = "The oldest first", body = Requests),
    (status = 400, description = "There is no such route", body = Refusal)))]
pub(super) async fn requests(State(control): ControlState, Query(filter): Query<Filter>) -> Response {
    let route = filter.route.as_deref();
    if let Some(unknown) = route.filter(|route| !ROUTES.contains(route)) {
        let known = ROUTES.join(", ");
        return refuse(StatusCode::BAD_REQUEST, format!("there is no route '{unknown}'; there are {known}"));
    }
    Json(control.requests(route)).into_response()
}

/// Forget the requests that were kept
#[utoipa::path(delete, path = "/emulator/requests", tag = "observe", responses(
    (status = 204, description = "None is kept")))]
pub(super) async fn clear_requests(State(control): ControlState) -> StatusCode {
    control.witness.requests.clear();
    StatusCode::NO_CONTENT
}
