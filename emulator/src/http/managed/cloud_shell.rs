//! Cloud Shell: a form in a POST, and the token is the signed-in user's.
//!
//! From the sources of MSAL for Python (`cloudshell.py`).

use super::super::exchange::{Exchange, InExchange};
use super::super::resources;
use super::{Answer, Parameters, header, note_refusal, value};
use crate::tenant::Tenant;
use axum::Json;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::json;
use std::sync::Arc;

pub(in crate::http) async fn token(
    State(tenant): State<Arc<Tenant>>,
    exchange: InExchange,
    headers: HeaderMap,
    Form(parameters): Form<Parameters>,
) -> Answer {
    let bad = |code, message| refuse(&exchange, StatusCode::BAD_REQUEST, code, message);
    if !header(&headers, "metadata").eq_ignore_ascii_case("true") {
        return bad("MissingMetadataHeader", "The request has no header Metadata: true.");
    }
    let Ok(Some(resource)) = value(&parameters, "resource") else {
        return bad("AudienceNotSpecified", "The request needs one resource.");
    };
    if resources::known(resource).is_none() {
        return bad("AudienceNotSupported", "The audience is not a supported MSI token audience.");
    }
    let Some(user) = tenant.directory.user() else {
        return refuse(
            &exchange,
            StatusCode::UNAUTHORIZED,
            "NotSignedIn",
            "Nobody is signed in: the identities have no user.",
        );
    };
    let Some(minted) = exchange.mint(&tenant, user, tenant.issuance().for_user(user, resource)) else {
        return refuse(
            &exchange,
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalError",
            "The token cannot be signed.",
        );
    };
    let claims = &minted.claims;
    let body = json!({
        "access_token": minted.access_token,
        "expires_in": minted.expires_in.to_string(),
        "expires_on": claims.exp.to_string(),
        "not_before": claims.nbf.to_string(),
        "refresh_token": "",
        "resource": resource,
        "token_type": "Bearer",
    });
    (StatusCode::OK, Json(body))
}

fn refuse(exchange: &Exchange, status: StatusCode, code: &str, message: &str) -> Answer {
    note_refusal(exchange, "cloud_shell", status, message);
    (status, Json(json!({"error": {"code": code, "message": message}})))
}
