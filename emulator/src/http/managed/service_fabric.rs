//! Service Fabric.
//!
//! <https://learn.microsoft.com/azure/service-fabric/how-to-managed-identity-service-fabric-app-code>. The
//! application's one identity is chosen by the secret, so that no id is looked at.

use super::super::Shared;
use super::super::exchange::{Exchange, InExchange};
use super::super::resources;
use super::{Answer, Parameters, header, note_refusal, value};
use crate::identities::Chosen;
use crate::world::World;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

const VERSION: &str = "2019-07-01-preview";

pub(in crate::http) async fn token(
    State(world): Shared,
    exchange: InExchange,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
) -> Answer {
    match body(&world, &exchange, header(&headers, "secret"), &parameters) {
        Ok(body) => (StatusCode::OK, Json(body)),
        Err((status, code, message)) => {
            note_refusal(&world, "service_fabric", status, message);
            let error = json!({"correlationId": exchange.correlation_id, "code": code, "message": message});
            (status, Json(json!({ "error": error })))
        }
    }
}

type Refusal = (StatusCode, &'static str, &'static str);

fn body(world: &World, exchange: &Exchange, secret: &str, parameters: &Parameters) -> Result<Value, Refusal> {
    let bad = |code, message| (StatusCode::BAD_REQUEST, code, message);
    // 404 tells a client not to try again.
    let unknown = |message| (StatusCode::NOT_FOUND, "ManagedIdentityNotFound", message);
    if value(parameters, "api-version").ok().flatten() != Some(VERSION) {
        return Err(bad("InvalidApiVersion", "The api-version is missing or not supported."));
    }
    if secret.is_empty() {
        return Err(bad("SecretHeaderNotFound", "Secret is not found in the request headers."));
    }
    if secret != world.hosts.service_fabric {
        return Err(unknown("Managed identity not found for the specified application host."));
    }
    let Ok(Some(resource)) = value(parameters, "resource") else {
        return Err(bad(
            "ArgumentNullOrEmpty",
            "The parameter 'resource' should not be null or empty string.",
        ));
    };
    let identity = world.directory.managed(Chosen::Default);
    let identity = identity.map_err(|_| unknown("The application has no managed identity, or several."))?;
    let failed = (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", "No token could be had.");
    if resources::known(resource).is_none() {
        return Err(failed); // the code is documented; for what it is given is not
    }
    let minted = exchange.mint_for(world, identity, resource).ok_or(failed)?;
    Ok(json!({
        "token_type": "Bearer",
        "access_token": minted.access_token,
        "expires_on": minted.claims.exp, // a number, as documented; some clients have seen text
        "resource": resource,
    }))
}
