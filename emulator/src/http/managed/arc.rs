//! Azure Arc's agent: a client that can read the file that the agent names gets a token.
//!
//! <https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication>. The body of the first
//! refusal and the status of a wrong key are not documented.

use super::super::exchange::{Exchange, InExchange};
use super::imds::{ImdsRequest, Refusal, answer, bad, check, refuse};
use super::{Answer, Parameters, header, note_refusal};
use crate::hosting::HostingSecrets;
use crate::identities::Choice;
use crate::tenant::Tenant;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

pub(in crate::http) async fn token(
    State(tenant): State<Arc<Tenant>>,
    State(hosting): State<Arc<HostingSecrets>>,
    exchange: InExchange,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
) -> Response {
    let request = match check(&headers, &parameters).and_then(system_only) {
        Ok(request) => request,
        Err(refusal) => return refuse(&exchange, refusal).into_response(),
    };
    let authorization = header(&headers, "authorization");
    if authorization.is_empty() {
        return challenge(hosting.arc.challenge(tenant.now().as_nanos()), &exchange);
    }
    // The file's text as it is: RFC 7617 would have it in base64, the agent does not.
    match authorization.strip_prefix("Basic ").is_some_and(|key| hosting.arc.redeem(key)) {
        true => answer(&tenant, &exchange, &request).into_response(),
        false => unauthorized(&exchange, StatusCode::FORBIDDEN, "Invalid Basic Authorization header")
            .into_response(),
    }
}

fn system_only(request: ImdsRequest<'_>) -> Result<ImdsRequest<'_>, Refusal> {
    match request.choice {
        Choice::Default => Ok(request),
        _ => {
            Err(bad("invalid_request", "Identity not found: the machine has a system-assigned identity only"))
        }
    }
}

fn challenge(key_file: io::Result<PathBuf>, exchange: &Exchange) -> Response {
    let realm = key_file.map(|path| format!("Basic realm={}", path.display()));
    let Ok(Ok(realm)) = realm.map(HeaderValue::try_from) else {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        return unauthorized(exchange, status, "The key file cannot be written").into_response();
    };
    exchange.note(format_args!("arc: challenged with a key file"));
    let status = StatusCode::UNAUTHORIZED;
    let body = body(exchange, status, "Missing Basic Authorization header");
    (status, [("www-authenticate", realm)], Json(body)).into_response()
}

fn unauthorized(exchange: &Exchange, status: StatusCode, description: &str) -> Answer {
    note_refusal(exchange, "arc", status, description);
    (status, Json(body(exchange, status, description)))
}

fn body(exchange: &Exchange, status: StatusCode, description: &str) -> Value {
    json!({
        "error": "unauthorized_client",
        "error_description": description,
        "error_codes": [status.as_u16()],
        "correlation_id": exchange.correlation_id,
    })
}
