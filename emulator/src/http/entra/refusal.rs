//! How Entra says no.

use super::super::exchange::Exchange;
use crate::tenant::Tenant;
use crate::uuid::uuid;
use axum::Json;
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::time::{Duration, UNIX_EPOCH};

/// A refusal: status, OAuth's word, the AADSTS number, Entra's sentence.
#[derive(Debug)]
pub(in crate::http) struct Refusal {
    status: u16,
    error: &'static str,
    pub(super) code: u32,
    sentence: String,
}

impl Refusal {
    pub(super) fn new(status: u16, error: &'static str, code: u32, sentence: impl Into<String>) -> Self {
        Self { status, error, code, sentence: sentence.into() }
    }

    /// The client did not prove its identity.
    pub(super) fn client(code: u32, sentence: impl Into<String>) -> Self {
        Self::new(401, "invalid_client", code, sentence)
    }

    pub(in crate::http) fn unknown_tenant(error: &'static str, tenant: &str) -> Self {
        let sentence = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into \
             the correct cloud. Check with your subscription administrator, this may happen if there are no active \
             subscriptions for the tenant."
        );
        Self::new(400, error, 90_002, sentence)
    }

    pub(in crate::http) fn answer(&self, tenant: &Tenant, exchange: &Exchange) -> (StatusCode, Json<Value>) {
        let Self { status, error, code, sentence } = self;
        exchange.refused(code.to_string(), format_args!("token request refused: AADSTS{code}"));
        let trace_id = uuid();
        let correlation_id = &exchange.correlation_id;
        let timestamp = timestamp(tenant.now());
        let description = format!(
            "AADSTS{code}: {sentence} Trace ID: {trace_id} Correlation ID: {correlation_id} Timestamp: {timestamp}"
        );
        let body = json!({
            "error": error,
            "error_description": description,
            "error_codes": [code],
            "timestamp": timestamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
            "error_uri": format!("{}/error?code={code}", tenant.authority),
        });
        (StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_REQUEST), Json(body))
    }
}

/// `2026-01-31 12:00:00Z`, as Entra writes it.
fn timestamp(since_epoch: Duration) -> String {
    let text = humantime::format_rfc3339_seconds(UNIX_EPOCH + since_epoch).to_string();
    text.replace('T', " ")
}
