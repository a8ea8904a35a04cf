//! Service Fabric.
//!
//! <https://learn.microsoft.com/azure/service-fabric/how-to-managed-identity-service-fabric-app-code>. The
//! application's one identity is chosen by the secret, so that no id is looked at.

use super::super::exchange::{Exchange, InExchange};
use super::super::resources;
use super::{Answer, Parameters, header, note_refusal, value};
use crate::hosting::HostingSecrets;
use crate::identities::Choice;
use crate::tenant::Tenant;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;

const VERSION: &str = "2019-07-01-preview";

pub(in crate::http) async fn token(
    State(tenant): State<Arc<Tenant>>,
    State(hosting): State<Arc<HostingSecrets>>,
    exchange: InExchange,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
) -> Answer {
    let proof = match header(&headers, "secret") {
        "" => Secret::Missing,
        secret if secret == hosting.service_fabric => Secret::Right,
        _ => Secret::Wrong,
    };
    match body(&tenant, &exchange, proof, &parameters) {
        Ok(body) => (StatusCode::OK, Json(body)),
        Err((status, code, message)) => {
            note_refusal(&exchange, "service_fabric", status, message);
            let error = json!({"correlationId": exchange.correlation_id, "code": code, "message": message});
            (status, Json(json!({ "error": error })))
        }
    }
}

type Refusal = (StatusCode, &'static str, &'static str);

/// What the request has for the application's secret.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Secret {
    Missing,
    Wrong,
    Right,
}

fn body(
    tenant: &Tenant,
    exchange: &Exchange,
    secret: Secret,
    parameters: &Parameters,
) -> Result<Value, Refusal> {
    let bad = |code, message| (StatusCode::BAD_REQUEST, code, message);
    // 404 tells a client not to try again.
    let unknown = |message| (StatusCode::NOT_FOUND, "ManagedIdentityNotFound", message);
    if value(parameters, "api-version").ok().flatten() != Some(VERSION) {
        return Err(bad("InvalidApiVersion", "The api-version is missing or not supported."));
    }
    if secret == Secret::Missing {
        return Err(bad("SecretHeaderNotFound", "Secret is not found in the request headers."));
    }
    if secret == Secret::Wrong {
        return Err(unknown("Managed identity not found for the specified application host."));
    }
    let Ok(Some(resource)) = value(parameters, "resource") else {
        return Err(bad(
            "ArgumentNullOrEmpty",
            "The parameter 'resource' should not be null or empty string.",
        ));
    };
    let identity = tenant.directory.managed(Choice::Default);
    let identity = identity.map_err(|_| unknown("The application has no managed identity, or several."))?;
    let failed = (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", "No token could be had.");
    if resources::known(resource).is_none() {
        return Err(failed); // the code is documented; for what it is given is not
    }
    let minted = exchange.mint_for(tenant, identity, resource).ok_or(failed)?;
    Ok(json!({
        "token_type": "Bearer",
        "access_token": minted.access_token,
        "expires_on": minted.claims.exp, // a number, as documented; some clients have seen text
        "resource": resource,
    }))
}
