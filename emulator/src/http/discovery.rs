//! What describes the tenant: OpenID configuration, keys, instance discovery.

use super::Shared;
use crate::world::World;
use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

pub(super) async fn configuration(State(world): Shared, Path(tenant): Path<String>) -> Json<Value> {
    let base = format!("{}/{tenant}", world.authority);
    Json(json!({
        "token_endpoint": format!("{base}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "jwks_uri": format!("{base}/discovery/v2.0/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": format!("{base}/v2.0"),
        "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
        "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
        "tenant_region_scope": null,
        "cloud_instance_name": host(&world),
    }))
}

pub(super) async fn keys(State(world): Shared) -> Json<Value> {
    let key = &world.signing_key;
    Json(json!({"keys": [{
        "kty": "RSA", "use": "sig", "alg": "RS256",
        "kid": key.key_id, "x5t": key.key_id, "n": key.modulus, "e": key.exponent,
        "issuer": format!("{}/{{tenantid}}/v2.0", world.authority),
    }]}))
}

pub(super) async fn instance(State(world): Shared, Path(tenant): Path<String>) -> Json<Value> {
    let host = host(&world);
    Json(json!({
        "tenant_discovery_endpoint":
            format!("{}/{tenant}/v2.0/.well-known/openid-configuration", world.authority),
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    }))
}

fn host(world: &World) -> String {
    world.authority.trim_start_matches("https://").to_owned()
}
