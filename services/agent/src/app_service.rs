//! App Service's endpoint for managed identities, which stock clients find by `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`.
//!
//! Errors are of its form, `{"statusCode": 400, "message": "…"}`: 400 for what lasts (clients do not try again), 503 with
//! `Retry-After` for what passes, 401 for a secret that is missing or wrong.

use crate::access::Client;
use crate::agent::{Agent, Denied, Question};
use crate::answer::{AFTER_LASTING, LEAST_WAIT, UNSETTLED, json, later, not_a_question, with_allowed};
use crate::counts::Refusal;
use crate::parameters::Parameters;
use crate::peer::{Caller, TcpPeer};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use axum::routing::any;
use axum::{Extension, Router};
use bytes::Bytes;
use entrakey_service::of_another;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Where it is, as on App Service.
pub(crate) const PATH: &str = "/msi/token";
const VERSION: &str = "2019-08-01";
const SECRET: &str = "x-identity-header";

/// Parameters that say which identity, and the configuration key that each stands for. All clients have one of them.
const IDENTITY: [(&str, &str); 5] = [
    ("client_id", "client_id"),
    ("object_id", "object_id"),
    ("principal_id", "object_id"),
    ("mi_res_id", "resource_id"),
    ("msi_res_id", "resource_id"),
];

pub(crate) fn router(agent: Arc<Agent>) -> Router {
    Router::new().route(PATH, any(token)).fallback(elsewhere).with_state(agent)
}

/// Why there is no token.
struct No {
    status: StatusCode,
    message: String,
    wait: Option<Duration>,
}

impl No {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), wait: None }
    }

    fn response(self) -> Response {
        let body = json!({"statusCode": self.status.as_u16(), "message": self.message}).to_string();
        let response = with_allowed(json(self.status, Bytes::from(body)));
        match self.wait {
            Some(wait) => later(response, wait),
            None => response,
        }
    }
}

async fn elsewhere() -> Response {
    No::new(StatusCode::NOT_FOUND, format!("There is nothing here: tokens are at {PATH}.")).response()
}

async fn token(
    State(agent): State<Arc<Agent>>,
    Extension(peer): Extension<TcpPeer>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    answer(&agent, &peer, &method, &uri, &headers).await.unwrap_or_else(No::response)
}

async fn answer(
    agent: &Arc<Agent>,
    peer: &TcpPeer,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Response, No> {
    let stranger = Caller::Tcp(peer, None);
    if let Some(why) = of_another(Some(peer.listening), uri, headers) {
        agent.refuse(Refusal::Foreign, &stranger, why);
        return Err(No::new(StatusCode::FORBIDDEN, why));
    }
    if let Some((status, why)) = not_a_question(method, headers) {
        agent.refuse(Refusal::Request, &stranger, why);
        return Err(No::new(status, why));
    }
    let client = known(agent, &stranger, headers)?;
    let caller = Caller::Tcp(peer, Some(&client));
    if !peer.belongs_to(&client, &agent.shares) {
        let why = "This client has as many connections as each may have: it can use those.";
        agent.refuse(Refusal::Full, &caller, why);
        return Err(No { wait: Some(LEAST_WAIT), ..No::new(StatusCode::TOO_MANY_REQUESTS, why) });
    }
    let parameters = Parameters::read(uri.query().unwrap_or_default());
    let parameters = parameters.map_err(|why| bad(agent, &caller, why))?;
    let question = question(&parameters).map_err(|why| bad(agent, &caller, why))?;
    let answer = agent.answer(&question, std::slice::from_ref(&client), &caller).await;
    let hand_out = answer.map_err(|denied| match denied {
        Denied::TooOften(wait) => No {
            wait: Some(wait),
            ..No::new(StatusCode::TOO_MANY_REQUESTS, "Too many requests: keep the token that you have.")
        },
        Denied::Unsettled => {
            No { wait: Some(AFTER_LASTING), ..No::new(StatusCode::SERVICE_UNAVAILABLE, UNSETTLED) }
        }
        Denied::Refused(message) => No::new(StatusCode::BAD_REQUEST, message),
        Denied::Unavailable { error, wait: None } => No::new(StatusCode::BAD_REQUEST, error.message()),
        Denied::Unavailable { error, wait } => {
            No { wait, ..No::new(StatusCode::SERVICE_UNAVAILABLE, error.message()) }
        }
    })?;
    Ok(json(StatusCode::OK, hand_out.rendered.app_service.clone()))
}

fn known(agent: &Agent, stranger: &Caller<'_>, headers: &HeaderMap) -> Result<Arc<Client>, No> {
    let mut shown = headers.get_all(SECRET).iter();
    let client = match (shown.next(), shown.next()) {
        (Some(secret), None) => secret.to_str().ok().and_then(|secret| agent.by_secret(secret)),
        _ => None,
    };
    client.ok_or_else(|| {
        let why = "X-IDENTITY-HEADER has no client's secret: `entrakey agent env NAME` prints it, for the user who runs \
                   the agent.";
        agent.refuse(Refusal::Secret, stranger, why);
        No::new(StatusCode::UNAUTHORIZED, why)
    })
}

fn bad(agent: &Agent, caller: &Caller<'_>, why: String) -> No {
    agent.refuse(Refusal::Request, caller, &why);
    No::new(StatusCode::BAD_REQUEST, why)
}

fn question(parameters: &Parameters<'_>) -> Result<Question, String> {
    match parameters.get("api-version") {
        Some(VERSION) => {}
        Some(_) => return Err(format!("This api-version is not known: {VERSION} is.")),
        None => return Err(format!("The parameter api-version is missing: {VERSION} is known.")),
    }
    let resource = parameters.get("resource").ok_or("The parameter resource is missing.")?;
    let mut named = IDENTITY.iter().filter_map(|(name, key)| Some((*name, *key, parameters.get(name)?)));
    let identity = named.next();
    if let (Some((one, ..)), Some((other, ..))) = (identity, named.next()) {
        return Err(format!("{one} and {other} are both there: one of them says which identity."));
    }
    let identity = identity.map(|(name, key, value)| (name, key, value.to_owned()));
    Ok(Question::ByAzure { resource: resource.to_owned(), identity })
}
