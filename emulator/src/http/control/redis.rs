//! The Redis plane, under `/emulator/redis`.

use super::answer::{ControlState, Refusal, parse, refuse};
use crate::control::Control;
use crate::redis::RedisFault;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Arc<Control>> {
    OpenApiRouter::new()
        .routes(routes!(stop_redis))
        .routes(routes!(start_redis))
        .routes(routes!(drop_connections))
        .routes(routes!(fail_over))
        .routes(routes!(redis_faults, add_redis_faults, clear_redis_faults))
        .routes(routes!(policies))
        .routes(routes!(assign_policy, unassign_policy))
        .routes(routes!(access_keys, set_access_keys))
        .routes(routes!(set_entra))
}

fn bad(reason: impl ToString) -> Response {
    refuse(StatusCode::BAD_REQUEST, reason.to_string())
}

/// Close the Redis and its connections
///
/// Its data stays.
#[utoipa::path(post, path = "/emulator/redis/stop", tag = "redis", responses(
    (status = 204, description = "Its ports are free")))]
async fn stop_redis(State(control): ControlState) -> StatusCode {
    control.redis.stop().await;
    StatusCode::NO_CONTENT
}

/// Listen on the Redis ports again
#[utoipa::path(post, path = "/emulator/redis/start", tag = "redis", responses(
    (status = 204, description = "It listens"),
    (status = 409, description = "It listens already, or a port is taken", body = Refusal)))]
async fn start_redis(State(control): ControlState) -> Response {
    match control.redis.restart().await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refuse(StatusCode::CONFLICT, format!("the Redis plane cannot listen again: {error}")),
    }
}

/// Whose connections.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Connected {
    /// Only those of this object id.
    object_id: Option<String>,
}

/// Connections that were ended.
#[derive(Serialize, ToSchema)]
struct Closed {
    closed: usize,
}

/// End connections; new ones are taken
#[utoipa::path(post, path = "/emulator/redis/drop", tag = "redis", request_body = Option<Connected>, responses(
    (status = 200, description = "How many were ended", body = Closed),
    (status = 400, description = "Nothing was done", body = Refusal)))]
async fn drop_connections(State(control): ControlState, body: String) -> Response {
    let closed = match parse::<Connected>(&body) {
        Ok(Connected { object_id: None }) => control.redis.drop_all(),
        Ok(Connected { object_id: Some(user) }) => control.redis.drop_user(&user),
        Err(error) => return bad(error),
    };
    Json(Closed { closed }).into_response()
}

/// Which node, and for how long.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct FailOver {
    /// Which node, counted from 0.
    node: usize,
    /// How long nothing listens.
    down_ms: u64,
}

impl Default for FailOver {
    fn default() -> Self {
        Self { node: 0, down_ms: 200 }
    }
}

/// End a node's connections and answer when it listens again
#[utoipa::path(post, path = "/emulator/redis/failover", tag = "redis", request_body = Option<FailOver>, responses(
    (status = 204, description = "It listens again"),
    (status = 400, description = "Nothing was done", body = Refusal),
    (status = 409, description = "There is no such node, or it cannot listen again", body = Refusal)))]
async fn fail_over(State(control): ControlState, body: String) -> Response {
    let wanted: FailOver = match parse(&body) {
        Ok(wanted) => wanted,
        Err(error) => return bad(error),
    };
    match control.redis.fail_over(wanted.node, Duration::from_millis(wanted.down_ms)).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(reason) => refuse(StatusCode::CONFLICT, reason),
    }
}

/// Faults that wait.
#[derive(Serialize, ToSchema)]
struct Waiting {
    /// How many, by the point at which they happen.
    waiting: BTreeMap<&'static str, u64>,
}

/// Show how many faults of the Redis plane wait
#[utoipa::path(get, path = "/emulator/redis/faults", tag = "redis", responses(
    (status = 200, description = "How many wait", body = Waiting)))]
async fn redis_faults(State(control): ControlState) -> Json<Waiting> {
    Json(Waiting { waiting: control.redis.cache.faults.waiting() })
}

/// Queue faults of the Redis plane
#[utoipa::path(post, path = "/emulator/redis/faults", tag = "redis", request_body = Vec<RedisFault>, responses(
    (status = 200, description = "How many wait now", body = Waiting),
    (status = 400, description = "None was queued", body = Refusal)))]
async fn add_redis_faults(State(control): ControlState, body: String) -> Response {
    let faults: Vec<RedisFault> = match parse(&body) {
        Ok(faults) => faults,
        Err(error) => return bad(error),
    };
    match control.redis.cache.faults.add(faults) {
        Ok(()) => redis_faults(State(control)).await.into_response(),
        Err(reason) => bad(reason),
    }
}

/// Forget all faults of the Redis plane that wait
#[utoipa::path(delete, path = "/emulator/redis/faults", tag = "redis", responses(
    (status = 204, description = "None waits")))]
async fn clear_redis_faults(State(control): ControlState) -> StatusCode {
    control.redis.cache.faults.clear();
    StatusCode::NO_CONTENT
}

/// Show who may do what: access policies by object id
#[utoipa::path(get, path = "/emulator/redis/policies", tag = "redis", responses(
    (status = 200, description = "As they were given", body = BTreeMap<String, String>)))]
async fn policies(State(control): ControlState) -> Json<BTreeMap<String, String>> {
    Json(control.redis.cache.policies.list())
}

/// What an object id may do.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Assignment {
    /// The name of a built-in policy, or rules.
    access: String,
}

/// What an object id may do from now on.
#[derive(Serialize, ToSchema)]
struct Assigned {
    access: String,
    /// As an ACL string.
    rules: String,
}

/// Assign an access policy; live connections have it with their next command
#[utoipa::path(put, path = "/emulator/redis/policies/{object_id}", tag = "redis",
    params(("object_id" = String, Path, description = "Whose")), request_body = Assignment, responses(
    (status = 200, description = "What it may do now", body = Assigned),
    (status = 400, description = "Nothing was changed", body = Refusal)))]
async fn assign_policy(
    State(control): ControlState,
    Path(object_id): Path<String>,
    body: String,
) -> Response {
    let wanted: Assignment = match parse(&body) {
        Ok(wanted) => wanted,
        Err(error) => return bad(error),
    };
    match control.redis.assign(&object_id, &wanted.access).await {
        Ok(permissions) => {
            let assigned = Assigned { access: permissions.given.clone(), rules: permissions.rules.clone() };
            Json(assigned).into_response()
        }
        Err(reason) => bad(reason),
    }
}

/// Take an access policy away: the next AUTH is refused
#[utoipa::path(delete, path = "/emulator/redis/policies/{object_id}", tag = "redis",
    params(("object_id" = String, Path, description = "Whose")), responses(
    (status = 204, description = "It is gone"),
    (status = 404, description = "There was none", body = Refusal)))]
async fn unassign_policy(State(control): ControlState, Path(object_id): Path<String>) -> Response {
    if control.redis.cache.policies.remove(&object_id) {
        return StatusCode::NO_CONTENT.into_response();
    }
    refuse(StatusCode::NOT_FOUND, format!("{object_id} has no access policy assignment"))
}

/// The access keys of the cache.
#[derive(Serialize, ToSchema)]
struct AccessKeys {
    enabled: bool,
    /// Null while they are switched off.
    keys: Option<Vec<String>>,
}

/// Show the access keys, while they are switched on
#[utoipa::path(get, path = "/emulator/redis/access_keys", tag = "redis", responses(
    (status = 200, description = "The keys", body = AccessKeys)))]
async fn access_keys(State(control): ControlState) -> Json<AccessKeys> {
    let keys = control.redis.cache.access_keys.current();
    Json(AccessKeys { enabled: keys.is_some(), keys: keys.map(|keys| keys.to_vec()) })
}

/// On or off.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Switch {
    enabled: bool,
}

/// Switch access keys on or off, which ends every connection
#[utoipa::path(put, path = "/emulator/redis/access_keys", tag = "redis", request_body = Switch, responses(
    (status = 200, description = "How many connections were ended", body = Closed),
    (status = 400, description = "Nothing was changed", body = Refusal)))]
async fn set_access_keys(State(control): ControlState, body: String) -> Response {
    match parse::<Switch>(&body) {
        Ok(wanted) => Json(Closed { closed: control.redis.set_access_keys(wanted.enabled) }).into_response(),
        Err(error) => bad(error),
    }
}

/// Switch Entra on or off, as Azure Cache for Redis can; ends every connection
#[utoipa::path(put, path = "/emulator/redis/entra", tag = "redis", request_body = Switch, responses(
    (status = 200, description = "How many connections were ended", body = Closed),
    (status = 400, description = "Nothing was changed", body = Refusal)))]
async fn set_entra(State(control): ControlState, body: String) -> Response {
    match parse::<Switch>(&body) {
        Ok(wanted) => Json(Closed { closed: control.redis.set_entra(wanted.enabled) }).into_response(),
        Err(error) => bad(error),
    }
}
