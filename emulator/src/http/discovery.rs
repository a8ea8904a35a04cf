//! The documents that describe the tenant: OpenID configuration, keys, instance discovery.

use super::entra::{Refusal, asked_authority};
use super::exchange::InExchange;
use crate::tenant::Tenant;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use std::sync::Arc;

/// Tenants that stand for all tenants: their configuration can be had, tokens cannot.
const ANY_TENANT: [&str; 3] = ["common", "organizations", "consumers"];

pub(super) async fn configuration(
    State(tenant): State<Arc<Tenant>>,
    exchange: InExchange,
    Path(asked): Path<String>,
    headers: HeaderMap,
) -> Response {
    let known =
        asked.eq_ignore_ascii_case(&tenant.directory.tenant_id) || ANY_TENANT.contains(&asked.as_str());
    if !known {
        return Refusal::unknown_tenant("invalid_tenant", &asked).answer(&tenant, &exchange).into_response();
    }
    let authority = asked_authority(&tenant, &headers);
    let base = format!("{authority}/{asked}");
    let configuration = json!({
        "token_endpoint": format!("{base}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "jwks_uri": format!("{base}/discovery/v2.0/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        // Tokens name it, whichever name Entra was asked by.
        "issuer": format!("{}/{asked}/v2.0", tenant.authority),
        "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
        "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
        "tenant_region_scope": null,
        "cloud_instance_name": host(&authority),
    });
    Json(configuration).into_response()
}

pub(super) async fn keys(State(tenant): State<Arc<Tenant>>) -> Json<Value> {
    let mut keys = tenant.signing_keys.to_jwks();
    for key in keys.iter_mut().filter_map(Value::as_object_mut) {
        key.insert("issuer".to_owned(), format!("{}/{{tenantid}}/v2.0", tenant.authority).into());
    }
    Json(json!({ "keys": keys }))
}

pub(super) async fn instance(
    State(tenant): State<Arc<Tenant>>,
    Path(asked): Path<String>,
    headers: HeaderMap,
) -> Json<Value> {
    let authority = asked_authority(&tenant, &headers);
    let host = host(&authority);
    Json(json!({
        "tenant_discovery_endpoint": format!("{authority}/{asked}/v2.0/.well-known/openid-configuration"),
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    }))
}

fn host(authority: &str) -> &str {
    authority.trim_start_matches("https://")
}
