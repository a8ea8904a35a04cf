//! Azure Pipelines: a job asks for a token about its service connection, and Entra takes that for the connection's
//! application.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/distributedtask/oidctoken/create>

use super::exchange::{Exchange, InExchange};
use crate::hosting::HostingSecrets;
use crate::tenant::Tenant;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The lifetime of the real tokens.
const LIFETIME_SECONDS: u32 = 600;

pub(super) async fn token(
    State(tenant): State<Arc<Tenant>>,
    State(hosting): State<Arc<HostingSecrets>>,
    exchange: InExchange,
    headers: HeaderMap,
    Query(parameters): Query<BTreeMap<String, String>>,
) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let expected = format!("Bearer {}", hosting.pipelines);
    if text("authorization") != expected {
        exchange.note(format_args!("pipelines: refused, the bearer is not SYSTEM_ACCESSTOKEN"));
        // A browser would be sent to sign in; a program says that it is none.
        return match text("x-tfs-fedauthredirect").eq_ignore_ascii_case("suppress") {
            true => StatusCode::UNAUTHORIZED.into_response(),
            false => {
                (StatusCode::FOUND, [("location", format!("{}/_signin", tenant.authority))]).into_response()
            }
        };
    }
    let parameter = |name: &str| parameters.get(name).map(String::as_str).unwrap_or_default();
    if parameter("api-version") != "7.1" {
        return refuse(&exchange, StatusCode::BAD_REQUEST, "the api-version is not 7.1");
    }
    let connection = parameter("serviceConnectionId");
    let Some((_, federated)) = tenant.directory.service_connection(Some(connection)) else {
        return refuse(&exchange, StatusCode::NOT_FOUND, "there is no such service connection");
    };
    match exchange.mint_federated(&tenant, federated, LIFETIME_SECONDS) {
        Some(token) => {
            exchange.note(format_args!("pipelines: token for {}", federated.subject));
            Json(json!({"oidcToken": token})).into_response()
        }
        None => refuse(&exchange, StatusCode::INTERNAL_SERVER_ERROR, "the token cannot be signed"),
    }
}

fn refuse(exchange: &Exchange, status: StatusCode, message: &str) -> Response {
    exchange.note(format_args!("pipelines: refused: {message}"));
    let body =
        json!({"$id": "1", "innerException": null, "message": message, "errorCode": 0, "eventId": 3000});
    (status, Json(body)).into_response()
}
