//! Keys and their rotation.

use super::answer::{ControlState, Refusal, parse, refuse, respond};
use crate::control::{KeySet, KeyState, Rotation};
use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The keys of both.
#[derive(Serialize, ToSchema)]
pub(super) struct AllKeys {
    entra: KeyState,
    issuers: KeyState,
}

/// Show the ids of the keys that are published
#[utoipa::path(get, path = "/emulator/keys", tag = "keys", responses(
    (status = 200, description = "Entra's, and the outside issuers'", body = AllKeys)))]
pub(super) async fn keys(State(control): ControlState) -> Json<AllKeys> {
    Json(AllKeys { entra: control.keys(KeySet::Entra), issuers: control.keys(KeySet::Issuers) })
}

/// The same as in the body.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Retirement {
    /// Whether the older keys go at once.
    retire: Option<bool>,
}

/// Make a new key, which signs from now on
///
/// The older ones stay published, and what they signed is believed, until they are retired.
#[utoipa::path(post, path = "/emulator/keys/rotate", tag = "keys", params(Retirement),
    request_body = Option<Rotation>, responses(
    (status = 200, description = "What is published now", body = KeyState),
    (status = 400, description = "Nothing was changed", body = Refusal)))]
pub(super) async fn rotate_keys(
    State(control): ControlState,
    Query(query): Query<Retirement>,
    body: String,
) -> Response {
    match parse::<Rotation>(&body) {
        Ok(rotation) => {
            let retire = query.retire.unwrap_or(rotation.retire);
            respond(control.rotate_keys(Rotation { retire, ..rotation }).await)
        }
        Err(error) => refuse(StatusCode::BAD_REQUEST, error.to_string()),
    }
}

/// Whose keys.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Whose {
    /// Entra's if not given.
    keys: KeySet,
}

/// Forget all keys but the one that signs
#[utoipa::path(post, path = "/emulator/keys/retire", tag = "keys", request_body = Option<Whose>, responses(
    (status = 200, description = "What is published now", body = KeyState),
    (status = 400, description = "Nothing was changed", body = Refusal)))]
pub(super) async fn retire_keys(State(control): ControlState, body: String) -> Response {
    respond(parse::<Whose>(&body).map(|whose| control.retire_keys(whose.keys)))
}
