//! The control API. Its description is made of the same lines as its routes, so that neither can be without the other.

#![allow(unused_qualifications, reason = "the macro that describes parameters writes some")]

mod clock;
mod environment;
mod faults;
mod keys;
mod limits;
mod local;
mod openapi;
mod redis;
mod requests;
mod tokens;

use crate::Error;
use crate::control::Control;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router, middleware};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// As handlers get it.
type Controlled = State<Arc<Control>>;

/// Every operation. One that is added here is in the description and on the command line too.
fn routes() -> OpenApiRouter<Arc<Control>> {
    OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(requests::stats))
        .routes(routes!(requests::requests, requests::clear_requests))
        .routes(routes!(environment::environments))
        .routes(routes!(environment::environment))
        .routes(routes!(faults::faults, faults::add_faults, faults::clear_faults))
        .routes(routes!(clock::clock, clock::set_clock))
        .routes(routes!(limits::limits, limits::set_limits))
        .routes(routes!(keys::keys))
        .routes(routes!(keys::rotate_keys))
        .routes(routes!(keys::retire_keys))
        .routes(routes!(tokens::federated_token))
        .routes(routes!(openapi::openapi))
        .merge(redis::routes())
}

pub(super) fn router(control: Arc<Control>) -> Router {
    let router: Router = routes().with_state(control).into();
    router.route_layer(middleware::from_fn(local::only))
}

/// Why something was not done.
#[derive(Serialize, ToSchema)]
struct Refusal {
    /// A sentence that says what to do.
    error: String,
}

fn refuse(status: StatusCode, said: impl Into<String>) -> Response {
    (status, Json(Refusal { error: said.into() })).into_response()
}

/// What was done, or why it was not.
fn done<T: Serialize>(result: Result<T, Error>) -> Response {
    match result {
        Ok(value) => Json(value).into_response(),
        Err(error) => refuse(StatusCode::BAD_REQUEST, error.to_string()),
    }
}

/// A body; an empty one stands for `{}`.
fn read<T: DeserializeOwned>(body: &str) -> Result<T, Error> {
    let body = if body.trim().is_empty() { "{}" } else { body };
    serde_json::from_str(body).map_err(|error| Error::new(error.to_string()))
}
