//! What the operations have in common: their state, bodies and answers.

use crate::Error;
use crate::control::Control;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use utoipa::ToSchema;

/// The state of an operation.
pub(super) type ControlState = State<Arc<Control>>;

/// Why something was not done.
#[derive(Serialize, ToSchema)]
pub(super) struct Refusal {
    /// A sentence that says what to do.
    error: String,
}

pub(super) fn refuse(status: StatusCode, reason: impl Into<String>) -> Response {
    (status, Json(Refusal { error: reason.into() })).into_response()
}

/// What was done, or why it was not.
pub(super) fn respond<T: Serialize>(result: Result<T, Error>) -> Response {
    match result {
        Ok(value) => Json(value).into_response(),
        Err(error) => refuse(StatusCode::BAD_REQUEST, error.to_string()),
    }
}

/// A body; an empty one stands for `{}`.
pub(super) fn parse<T: DeserializeOwned>(body: &str) -> Result<T, Error> {
    let body = if body.trim().is_empty() { "{}" } else { body };
    serde_json::from_str(body).map_err(|error| Error::new(error.to_string()))
}
