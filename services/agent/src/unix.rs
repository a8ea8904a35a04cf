//! The API on the Unix socket. A client is who the system says that it is; a request carries no secret.
//!
//! * `GET /v1/secrets`: what this client may have, without values.
//! * `GET /v1/secrets/{id}`: a fresh token.
//! * `GET /v1/status`: how the agent is, as far as it is this client's affair, without values.

use crate::access::Client;
use crate::agent::{Agent, Denied, Question};
use crate::answer::{AFTER_LASTING, UNSETTLED, json, later, not_a_question, with_allowed};
use crate::counts::Refusal;
use crate::peer::{Caller, UnixPeer};
use crate::supply::TYPE;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use axum::{Extension, Router};
use bytes::Bytes;
use entrakey_service::of_another;
use serde_json::{Value, json};
use std::sync::Arc;

/// Who asks: clients that it is, one at least.
type Known = Arc<Vec<Arc<Client>>>;

pub(crate) fn router(agent: Arc<Agent>) -> Router {
    Router::new()
        .route("/v1/secrets", any(list))
        .route("/v1/secrets/{id}", any(secret))
        .route("/v1/status", any(status))
        .fallback(elsewhere)
        .layer(from_fn_with_state(agent.clone(), admit))
        .with_state(agent)
}

fn no(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({"error": {"code": code, "message": message}}).to_string();
    with_allowed(json(status, Bytes::from(body)))
}

fn said(value: &Value) -> Response {
    json(StatusCode::OK, Bytes::from(value.to_string()))
}

async fn elsewhere() -> Response {
    no(
        StatusCode::NOT_FOUND,
        "not_found",
        "There is nothing here: /v1/secrets, /v1/secrets/ID and /v1/status are.",
    )
}

/// Lets those through who are a client's user or group, and who ask for themselves.
async fn admit(
    State(agent): State<Arc<Agent>>,
    Extension(peer): Extension<UnixPeer>,
    mut request: Request,
    next: Next,
) -> Response {
    let (clients, caller) = (agent.of_user(peer.uid, &peer.gids), Caller::Unix(&peer));
    if clients.is_empty() {
        let why = "this user and its groups are none of a client's";
        agent.refuse(Refusal::User, &caller, why);
        let message = "This user may not use the agent: --allow-uid, --allow-gid or a client's uids and gids name who may.";
        return no(StatusCode::FORBIDDEN, "forbidden", message);
    }
    peer.place.keep();
    if let Some(why) = of_another(None, request.uri(), request.headers()) {
        agent.refuse(Refusal::Foreign, &caller, why);
        return no(StatusCode::FORBIDDEN, "forbidden", why);
    }
    if let Some((status, why)) = not_a_question(request.method(), request.headers()) {
        agent.refuse(Refusal::Request, &caller, why);
        return no(status, "bad_request", why);
    }
    if request.uri().query().is_some_and(|query| !query.is_empty()) {
        let why = "There are no parameters here.";
        agent.refuse(Refusal::Request, &caller, why);
        return no(StatusCode::BAD_REQUEST, "bad_request", why);
    }
    request.extensions_mut().insert::<Known>(Arc::new(clients));
    next.run(request).await
}

async fn list(State(agent): State<Arc<Agent>>, Extension(clients): Extension<Known>) -> Response {
    let secrets = agent.listed(&clients).into_iter();
    let secrets = secrets.map(|one| json!({"id": one.id, "type": TYPE, "isDefault": one.is_default()}));
    said(&json!({"secrets": secrets.collect::<Vec<_>>()}))
}

async fn status(State(agent): State<Arc<Agent>>, Extension(clients): Extension<Known>) -> Response {
    said(&agent.status(&clients))
}

async fn secret(
    State(agent): State<Arc<Agent>>,
    Extension(peer): Extension<UnixPeer>,
    Extension(clients): Extension<Known>,
    id: Result<Path<String>, PathRejection>,
) -> Response {
    let caller = Caller::Unix(&peer);
    let Ok(Path(id)) = id else {
        let why = "An identity's id has letters of English, digits, \"-\", \"_\" and \".\" only.";
        agent.refuse(Refusal::Request, &caller, why);
        return no(StatusCode::BAD_REQUEST, "bad_request", why);
    };
    // "default" is nobody's name unless somebody has it.
    let is_there = agent.listed(&clients).iter().any(|one| one.id == id);
    let id = (is_there || id != DEFAULT).then_some(id);
    match agent.answer(&Question::ById(id), &clients, &caller).await {
        Ok(hand_out) => json(StatusCode::OK, hand_out.rendered.secret.clone()),
        Err(Denied::Refused(message)) => no(StatusCode::NOT_FOUND, "not_found", &message),
        Err(Denied::Unsettled) => {
            later(no(StatusCode::SERVICE_UNAVAILABLE, "unsettled", UNSETTLED), AFTER_LASTING)
        }
        Err(Denied::TooOften(wait)) => {
            let message = "Too many requests: keep the token until refresh_after.";
            later(no(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", message), wait)
        }
        Err(Denied::Unavailable { error, wait }) => {
            let response = no(StatusCode::SERVICE_UNAVAILABLE, error.kind().name(), error.message());
            // A new secret or policy takes minutes to be believed: asking again helps in the end.
            later(response, wait.unwrap_or(AFTER_LASTING)).into_response()
        }
    }
}

const DEFAULT: &str = "default";
