//! How Graph writes what it says.

use crate::uuid::uuid;
use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use std::time::{Duration, UNIX_EPOCH};

/// A refusal: status, code, sentence.
pub(super) struct Fault {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Fault {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(super) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(super) fn denied() -> Self {
        let said = "Insufficient privileges to complete the operation.";
        Self::new(StatusCode::FORBIDDEN, "Authorization_RequestDenied", said)
    }

    pub(super) fn no_object(id: &str) -> Self {
        let said = format!(
            "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
        );
        Self::new(StatusCode::NOT_FOUND, "Request_ResourceNotFound", said)
    }
}

/// Every answer, also a refusal, has the request's id, and that of the client.
pub(super) fn finished(answer: Result<Response, Fault>, correlation_id: &str, now: Duration) -> Response {
    let request_id = uuid();
    let mut response = answer.unwrap_or_else(|Fault { status, code, message }| {
        let date = humantime::format_rfc3339_seconds(UNIX_EPOCH + now).to_string();
        let inner = json!({
            "date": date.trim_end_matches('Z'),
            "request-id": request_id,
            "client-request-id": correlation_id,
        });
        (status, Json(json!({"error": {"code": code, "message": message, "innerError": inner}})))
            .into_response()
    });
    let headers = response.headers_mut();
    put(headers, "request-id", &request_id);
    put(headers, "client-request-id", correlation_id);
    response
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// `2026-01-31T12:00:00.000Z`
pub(super) fn moment(since_epoch: Duration) -> String {
    humantime::format_rfc3339_millis(UNIX_EPOCH + since_epoch).to_string()
}

/// An object with no other properties than those in `$select`.
pub(super) fn selected(object: Value, select: Option<&str>) -> Value {
    match (object, select) {
        (Value::Object(properties), Some(select)) => {
            let wanted = |name: &str| select.split(',').any(|wanted| wanted.trim() == name);
            properties.into_iter().filter(|(name, _)| wanted(name)).collect()
        }
        (object, _) => object,
    }
}
