//! The control API: what has happened, and what is to happen. That of the Redis plane is in `redis`.

use crate::environment::{Environments, KINDS, for_shell};
use crate::faults::{ROUTES, Script};
use crate::identities::Federated;
use crate::redis::Plane;
use crate::stats::Counts;
use crate::tokens::{FederatedClaims, Timing};
use crate::world::World;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A day in less than a second: nothing that a test does takes no time at all.
const MAX_SCALE: f64 = 100_000.0;

/// What the control API controls.
#[derive(Clone)]
pub(crate) struct Control {
    pub(crate) world: Arc<World>,
    pub(crate) redis: Arc<Plane>,
    pub(crate) environments: Arc<Environments>,
}

pub(super) fn router(control: Control) -> Router {
    Router::new()
        .route("/emulator/stats", get(stats))
        .route("/emulator/environment", get(environments))
        .route("/emulator/environment/{kind}", get(environment))
        .route("/emulator/faults", get(faults).post(add_faults).delete(clear_faults))
        .route("/emulator/clock", get(clock).post(set_clock))
        .route("/emulator/federated_token", post(federated_token))
        .with_state(control)
}

pub(super) fn refuse(status: StatusCode, said: impl Into<String>) -> Response {
    (status, Json(json!({"error": said.into()}))).into_response()
}

async fn stats(State(control): State<Control>) -> Json<Counts> {
    Json(control.world.stats.snapshot())
}

/// The variables of every environment, by its name.
async fn environments(State(control): State<Control>) -> Json<Value> {
    Json(control.environments.to_json())
}

/// Those of one, as JSON or, with `?format=shell`, as lines for a shell.
async fn environment(
    State(control): State<Control>,
    Path(kind): Path<String>,
    Query(options): Query<BTreeMap<String, String>>,
) -> Response {
    let Some(variables) = control.environments.get(&kind) else {
        let known = KINDS.map(|(name, _)| name).join(", ");
        return refuse(
            StatusCode::NOT_FOUND,
            format!("there is no environment '{kind}' here; there may be {known}"),
        );
    };
    match options.get("format").map(String::as_str) {
        Some("shell") => for_shell(&control.environments.foreign_to(&kind), variables).into_response(),
        _ => Json(BTreeMap::from_iter(variables.iter().cloned())).into_response(),
    }
}

/// How many scripted answers wait, and the routes that can have some.
async fn faults(State(control): State<Control>) -> Json<Value> {
    Json(json!({"waiting": control.world.faults.waiting(), "routes": ROUTES}))
}

async fn add_faults(State(control): State<Control>, body: String) -> Response {
    let script = serde_json::from_str::<Script>(&body).map_err(|error| error.to_string());
    match script.and_then(|script| control.world.faults.add(script)) {
        Ok(()) => faults(State(control)).await.into_response(),
        Err(said) => refuse(StatusCode::BAD_REQUEST, said),
    }
}

async fn clear_faults(State(control): State<Control>) -> StatusCode {
    control.world.faults.clear();
    StatusCode::NO_CONTENT
}

/// The clock by which tokens are minted, checked and expire.
async fn clock(State(control): State<Control>) -> Json<Value> {
    let clock = &control.world.clock;
    let now = clock.now();
    Json(json!({"now": now.as_secs_f64(), "offset_ms": clock.offset_ms(), "scale": clock.scale()}))
}

/// What is given is done in this order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    /// How far it is ahead of the system's clock from now on; negative: behind.
    offset_ms: Option<i64>,
    /// How far to move it.
    advance_ms: Option<i64>,
    /// How many of its seconds pass in one of the system's.
    scale: Option<f64>,
}

async fn set_clock(State(control): State<Control>, body: String) -> Response {
    let change: ClockChange = match serde_json::from_str(&body) {
        Ok(change) => change,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, error.to_string()),
    };
    let world = &control.world;
    if change.scale.is_some_and(|scale| !(0.0..=MAX_SCALE).contains(&scale)) {
        return refuse(StatusCode::BAD_REQUEST, format!("scale lies between 0 and {MAX_SCALE}"));
    }
    change.offset_ms.into_iter().for_each(|offset| world.clock.set_offset_ms(offset));
    change.advance_ms.into_iter().for_each(|by| world.clock.advance_ms(by));
    change.scale.into_iter().for_each(|scale| world.clock.set_scale(scale));
    world.log.note(format_args!(
        "the clock: {} ms ahead, {} times",
        world.clock.offset_ms(),
        world.clock.scale()
    ));
    clock(State(control)).await.into_response()
}

/// Changes to the token that is made; what is not given stays as it is registered.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Renewal {
    issuer: Option<String>,
    subject: Option<String>,
    audience: Option<String>,
    /// Negative for one that has expired already.
    lifetime_seconds: i64,
    /// Whether the workload's token file gets it too.
    write: bool,
}

impl Default for Renewal {
    fn default() -> Self {
        let lifetime_seconds = crate::FEDERATED_LIFETIME_SECONDS;
        Self { issuer: None, subject: None, audience: None, lifetime_seconds, write: true }
    }
}

/// A new federated token, also in the workload's file.
async fn federated_token(State(control): State<Control>, body: String) -> Response {
    let renewal: Renewal = match serde_json::from_str(if body.is_empty() { "{}" } else { &body }) {
        Ok(renewal) => renewal,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, error.to_string()),
    };
    let world = &control.world;
    let Some((_, registered)) = world.directory.workload() else {
        return refuse(
            StatusCode::NOT_FOUND,
            "no app has a federated credential that the emulator can sign for",
        );
    };
    let federated = Federated {
        issuer: renewal.issuer.unwrap_or_else(|| registered.issuer.clone()),
        subject: renewal.subject.unwrap_or_else(|| registered.subject.clone()),
        audience: renewal.audience.unwrap_or_else(|| registered.audience.clone()),
        service_connection: None,
    };
    let claims =
        FederatedClaims::new(&federated, Timing { now: world.now(), lifetime: renewal.lifetime_seconds });
    let Some(token) = world.issuer_key.sign(&claims) else {
        return refuse(StatusCode::INTERNAL_SERVER_ERROR, "the token cannot be signed");
    };
    let mut file = None;
    if renewal.write {
        match world.home.write(crate::FEDERATED_TOKEN_FILE, &token) {
            Ok(path) => file = Some(path),
            Err(error) => return refuse(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        }
    }
    world.log.note(format_args!("a federated token for {}", federated.subject));
    Json(json!({"token": token, "file": file, "expires_on": claims.exp})).into_response()
}
