//! The control API of the Redis plane, under `/emulator/redis`.

use super::control::{Control, refuse};
use crate::redis::{Fault, Plane};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

type Redis = State<Arc<Plane>>;

pub(super) fn router(control: &Control) -> Router {
    Router::new()
        .route("/emulator/redis/stop", post(stop))
        .route("/emulator/redis/start", post(start))
        .route("/emulator/redis/drop", post(drop_connections))
        .route("/emulator/redis/failover", post(fail_over))
        .route("/emulator/redis/faults", get(faults).post(add_faults).delete(clear_faults))
        .route("/emulator/redis/policies", get(policies))
        .route("/emulator/redis/policies/{object_id}", put(assign).delete(unassign))
        .route("/emulator/redis/access_keys", get(access_keys).put(set_access_keys))
        .with_state(control.redis.clone())
}

/// The body, or the answer that says what is wrong with it. An empty one stands for `{}`.
fn parse<T: DeserializeOwned>(body: &str) -> Result<T, Box<Response>> {
    serde_json::from_str(if body.is_empty() { "{}" } else { body })
        .map_err(|error| Box::new(refuse(StatusCode::BAD_REQUEST, error.to_string())))
}

/// Closes every listener and connection. The data stays.
async fn stop(State(redis): Redis) -> StatusCode {
    redis.stop().await;
    StatusCode::NO_CONTENT
}

/// Listens on the same ports again.
async fn start(State(redis): Redis) -> Response {
    match redis.restart().await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refuse(StatusCode::CONFLICT, format!("the Redis plane cannot listen again: {error}")),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Drop {
    /// Only the connections of this object id.
    object_id: Option<String>,
}

/// Ends connections; new ones are taken.
async fn drop_connections(State(redis): Redis, body: String) -> Response {
    match parse::<Drop>(&body) {
        Ok(Drop { object_id: None }) => Json(json!({"closed": redis.drop_all()})).into_response(),
        Ok(Drop { object_id: Some(user) }) => Json(json!({"closed": redis.drop_user(&user)})).into_response(),
        Err(refusal) => *refusal,
    }
}

#[derive(Deserialize)]
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

/// Ends the node's connections; answers when it listens again.
async fn fail_over(State(redis): Redis, body: String) -> Response {
    let wanted: FailOver = match parse(&body) {
        Ok(wanted) => wanted,
        Err(refusal) => return *refusal,
    };
    match redis.fail_over(wanted.node, Duration::from_millis(wanted.down_ms)).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(said) => refuse(StatusCode::CONFLICT, said),
    }
}

async fn faults(State(redis): Redis) -> Json<Value> {
    Json(json!({"waiting": redis.faults.waiting()}))
}

/// An array of faults.
async fn add_faults(State(redis): Redis, body: String) -> Response {
    let faults: Vec<Fault> = match parse(&body) {
        Ok(faults) => faults,
        Err(refusal) => return *refusal,
    };
    match redis.faults.add(faults) {
        Ok(()) => self::faults(State(redis)).await.into_response(),
        Err(said) => refuse(StatusCode::BAD_REQUEST, said),
    }
}

async fn clear_faults(State(redis): Redis) -> StatusCode {
    redis.faults.clear();
    StatusCode::NO_CONTENT
}

/// Who may do what.
async fn policies(State(redis): Redis) -> Response {
    Json(redis.policies().list()).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Assignment {
    /// The name of a built-in policy, or rules.
    access: String,
}

/// Assigns an access policy; live connections have it with their next command.
async fn assign(State(redis): Redis, Path(object_id): Path<String>, body: String) -> Response {
    let wanted: Assignment = match parse(&body) {
        Ok(wanted) => wanted,
        Err(refusal) => return *refusal,
    };
    match redis.assign(&object_id, &wanted.access).await {
        Ok(permissions) => {
            Json(json!({"access": permissions.given, "rules": permissions.rules})).into_response()
        }
        Err(said) => refuse(StatusCode::BAD_REQUEST, said),
    }
}

/// Takes an assignment away: the next AUTH is refused.
async fn unassign(State(redis): Redis, Path(object_id): Path<String>) -> Response {
    if redis.policies().remove(&object_id) {
        return StatusCode::NO_CONTENT.into_response();
    }
    refuse(StatusCode::NOT_FOUND, format!("{object_id} has no access policy assignment"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccessKeys {
    enabled: bool,
}

/// The keys, while they are switched on.
async fn access_keys(State(redis): Redis) -> Json<Value> {
    let keys = redis.access_keys.current();
    Json(json!({"enabled": keys.is_some(), "keys": keys}))
}

/// Switches them on or off, which ends every connection.
async fn set_access_keys(State(redis): Redis, body: String) -> Response {
    match parse::<AccessKeys>(&body) {
        Ok(wanted) => Json(json!({"closed": redis.set_access_keys(wanted.enabled)})).into_response(),
        Err(refusal) => *refusal,
    }
}
