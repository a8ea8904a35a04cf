//! Azure Pipelines: a job asks for a token about its service connection, and Entra takes that for the connection's
//! application.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/distributedtask/oidctoken/create>

use super::Shared;
use super::exchange::InExchange;
use crate::world::World;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use std::collections::BTreeMap;

/// As long as the real ones are valid.
const LIFETIME_SECONDS: u32 = 600;

pub(super) async fn token(
    State(world): Shared,
    exchange: InExchange,
    headers: HeaderMap,
    Query(parameters): Query<BTreeMap<String, String>>,
) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let expected = format!("Bearer {}", world.hosts.pipelines);
    if text("authorization") != expected {
        world.log.note(format_args!("pipelines: refused, the bearer is not SYSTEM_ACCESSTOKEN"));
        // A browser would be sent to sign in; a program says that it is none.
        return match text("x-tfs-fedauthredirect").eq_ignore_ascii_case("suppress") {
            true => StatusCode::UNAUTHORIZED.into_response(),
            false => {
                (StatusCode::FOUND, [("location", format!("{}/_signin", world.authority))]).into_response()
            }
        };
    }
    let parameter = |name: &str| parameters.get(name).map(String::as_str).unwrap_or_default();
    if parameter("api-version") != "7.1" {
        return refuse(&world, StatusCode::BAD_REQUEST, "the api-version is not 7.1");
    }
    let connection = parameter("serviceConnectionId");
    let Some((_, federated)) = world.directory.service_connection(Some(connection)) else {
        return refuse(&world, StatusCode::NOT_FOUND, "there is no such service connection");
    };
    match exchange.mint_federated(&world, federated, LIFETIME_SECONDS) {
        Some(token) => {
            world.log.note(format_args!("pipelines: token for {}", federated.subject));
            Json(json!({"oidcToken": token})).into_response()
        }
        None => refuse(&world, StatusCode::INTERNAL_SERVER_ERROR, "the token cannot be signed"),
    }
}

fn refuse(world: &World, status: StatusCode, message: &str) -> Response {
    world.log.note(format_args!("pipelines: refused: {message}"));
    let body =
        json!({"$id": "1", "innerException": null, "message": message, "errorCode": 0, "eventId": 3000});
    (status, Json(body)).into_response()
}
