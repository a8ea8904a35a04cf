//! Azure Resource Manager, under `/emulator/arm`.

use super::answer::{ControlState, Refusal, parse, refuse, respond};
use crate::arm::ArmCache;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Show what Azure Resource Manager says of the cache besides what it is
#[utoipa::path(get, path = "/emulator/arm/cache", tag = "arm", responses(
    (status = 200, description = "As it was set", body = ArmCache)))]
pub(super) async fn arm_cache(State(control): ControlState) -> Json<ArmCache> {
    Json(control.manager.cache())
}

/// Set what Azure Resource Manager says of the cache: metrics, replication
#[utoipa::path(put, path = "/emulator/arm/cache", tag = "arm", request_body = ArmCache, responses(
    (status = 200, description = "As it is now", body = ArmCache),
    (status = 400, description = "Nothing was changed", body = Refusal)))]
pub(super) async fn set_arm_cache(State(control): ControlState, body: String) -> Response {
    respond(parse::<ArmCache>(&body).inspect(|cache| {
        control.manager.set_cache(*cache);
    }))
}

/// A role.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Role {
    /// `Reader`, or another, which may change things too.
    role: String,
}

/// Give an object id an Azure role on the cache
#[utoipa::path(put, path = "/emulator/arm/roles/{object_id}", tag = "arm",
    params(("object_id" = String, Path, description = "Whose")), request_body = Role, responses(
    (status = 200, description = "What it has now", body = Role),
    (status = 400, description = "Nothing was changed", body = Refusal)))]
pub(super) async fn assign_role(
    State(control): ControlState,
    Path(object_id): Path<String>,
    body: String,
) -> Response {
    respond(parse::<Role>(&body).inspect(|wanted| {
        control.manager.set_role(&object_id, Some(&wanted.role));
    }))
}

/// Take an Azure role away
#[utoipa::path(delete, path = "/emulator/arm/roles/{object_id}", tag = "arm",
    params(("object_id" = String, Path, description = "Whose")), responses(
    (status = 204, description = "It is gone"),
    (status = 404, description = "There was none", body = Refusal)))]
pub(super) async fn unassign_role(State(control): ControlState, Path(object_id): Path<String>) -> Response {
    if control.manager.set_role(&object_id, None) {
        return StatusCode::NO_CONTENT.into_response();
    }
    refuse(StatusCode::NOT_FOUND, format!("{object_id} has no role"))
}
