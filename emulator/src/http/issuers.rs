//! The outside issuers that the emulator plays: what a cluster's or a pipeline's OpenID provider publishes.

use crate::tenant::Tenant;
use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) async fn configuration(
    State(tenant): State<Arc<Tenant>>,
    Path(issuer): Path<String>,
) -> Json<Value> {
    let issuer = format!("{}/issuers/{issuer}", tenant.authority);
    Json(json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }))
}

pub(super) async fn keys(State(tenant): State<Arc<Tenant>>) -> Json<Value> {
    Json(json!({"keys": tenant.issuer_keys.to_jwks()}))
}
