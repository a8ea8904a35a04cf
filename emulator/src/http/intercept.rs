//! What happens between every request of the token plane and its answer: the request is recorded, limits are kept, and
//! scripts are carried out.

use super::alter;
use super::exchange::Exchange;
use super::managed::imds;
use super::serve::Reset;
use super::state::TokenPlane;
use crate::scripts::Scripts;
use crate::scripts::faults::Fault;
use crate::scripts::limits::{LimitExceeded, Ticket};
use crate::uuid::uuid;
use crate::witness::Witness;
use crate::witness::requests::{RequestRecord, parameters, timestamp, without_tokens};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Form, FromRequest as _, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodRouter;
use std::sync::Arc;
use std::time::Duration;

/// No token request is larger.
const BODY_LIMIT: usize = 1 << 20;
/// The headers in which clients send an id of their request.
const CORRELATION_HEADERS: [&str; 3] = ["client-request-id", "x-ms-client-request-id", "x-ms-correlation-id"];

type Route = (TokenPlane, &'static str);

/// Gives a route its name.
pub(super) fn named(
    plane: &TokenPlane,
    route: &'static str,
    method: MethodRouter<TokenPlane>,
) -> MethodRouter<TokenPlane> {
    method.layer(from_fn_with_state((plane.clone(), route), intercept))
}

async fn intercept(State((plane, route)): State<Route>, request: Request, next: Next) -> Response {
    let TokenPlane { tenant, scripts, witness, .. } = &plane;
    witness.stats.requested(route);
    let (head, body) = request.into_parts();
    // Read to its end: a server that answers while the client still sends is another fault.
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let correlation_id = correlation_id(&head.headers);
    let record = record(tenant.now(), route, &head, &body, correlation_id.clone()).await;
    let number = witness.requests.add(record);
    let response = match admit(scripts, witness, route) {
        Ok(_admitted) => {
            let fault = scripts.faults.next(route, is_for_token(route, &head.headers));
            let fault_listed = fault.as_ref().map(Fault::listed);
            witness.requests.update(number, |record| record.fault = fault_listed);
            let fault = fault.unwrap_or_default();
            let exchange = Arc::new(Exchange::new(fault.token_script(), correlation_id, witness.clone()));
            let request = Request::from_parts(head, Body::from(body));
            let response = answer(&plane, route, fault, exchange.clone(), request, next).await;
            witness.requests.update(number, |record| record.identity = exchange.given_to());
            response
        }
        Err(LimitExceeded) => {
            witness.requests.update(number, |record| record.limited = true);
            imds::too_many()
        }
    };
    witness.requests.update(number, |record| record.status = Some(response.status().as_u16()));
    response
}

fn correlation_id(headers: &HeaderMap) -> String {
    let sent = CORRELATION_HEADERS.iter().find_map(|name| headers.get(*name)?.to_str().ok());
    sent.map_or_else(uuid, str::to_owned)
}

async fn record(
    now: Duration,
    route: &'static str,
    head: &Parts,
    body: &Bytes,
    correlation_id: String,
) -> RequestRecord {
    let query = Query::<Vec<(String, String)>>::try_from_uri(&head.uri).map(|query| query.0);
    let mut copy = Request::new(Body::from(body.clone()));
    (*copy.method_mut(), *copy.headers_mut()) = (head.method.clone(), head.headers.clone());
    // No form, no fields.
    let form = Form::<Vec<(String, String)>>::from_request(copy, &()).await.map(|form| form.0);
    RequestRecord {
        number: 0, // given when it is added
        time: timestamp(now),
        route,
        method: head.method.to_string(),
        path: without_tokens(head.uri.path().to_owned()),
        query: parameters(query.unwrap_or_default()),
        form: parameters(form.unwrap_or_default()),
        status: None,
        identity: None,
        correlation_id: without_tokens(correlation_id),
        fault: None,
        limited: false,
    }
}

/// Counts the request among those that are being answered, or refuses it.
fn admit(scripts: &Scripts, witness: &Witness, route: &str) -> Result<Option<Ticket>, LimitExceeded> {
    if route != "imds" {
        return Ok(None);
    }
    scripts.imds_limits.admit().map(Some).inspect_err(|_| {
        witness.stats.token_refused("too_many_requests".to_owned());
        witness.log.note(format_args!("managed identity request refused: too many"));
    })
}

/// Azure Arc answers the first request with a challenge.
fn is_for_token(route: &str, headers: &HeaderMap) -> bool {
    route != "arc" || headers.contains_key("authorization")
}

async fn answer(
    plane: &TokenPlane,
    route: &'static str,
    fault: Fault,
    exchange: Arc<Exchange>,
    mut request: Request,
    next: Next,
) -> Response {
    if fault.delay_ms > 0 {
        tokio::time::sleep(fault.delay()).await;
    }
    let response = if fault.replaces() {
        plane.witness.stats.answered_by_script();
        plane.witness.log.note(format_args!("{route}: a scripted answer"));
        replacement(&fault, request.extensions().get::<Reset>().cloned()).await
    } else {
        // The first request that needs a key waits for it here, and keeps no thread.
        match route {
            "issuer" | "pipelines" => plane.tenant.issuer_keys.ready().await,
            _ => plane.tenant.signing_keys.ready().await,
        }
        request.extensions_mut().insert(exchange);
        next.run(request).await
    };
    alter::altered(response, &fault).await
}

/// What is answered instead, if anything is.
async fn replacement(fault: &Fault, reset: Option<Reset>) -> Response {
    if fault.reset
        && let Some(reset) = reset
    {
        reset.pull().await;
    }
    if fault.hang {
        std::future::pending::<()>().await;
    }
    if fault.garbage && fault.headers.is_empty() {
        return (status(fault), [("content-type", "application/json")], alter::GARBAGE).into_response();
    }
    let body = if fault.garbage { Bytes::from_static(alter::GARBAGE) } else { fault.body.clone().into() };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status(fault);
    let headers = fault.headers.iter();
    // All were checked when they were queued.
    let headers = headers.filter_map(|(name, value)| {
        Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
    });
    response.headers_mut().extend(headers);
    response
}

fn status(fault: &Fault) -> StatusCode {
    fault.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or_default()
}
