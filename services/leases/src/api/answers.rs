//! How answers look.

use super::types::{Refusal, RefusalReason};
use crate::manager::Denied;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use serde::Serialize;
use zeroize::Zeroizing;

pub(super) fn json_text(status: StatusCode, text: impl Into<Body>) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => json_text(status, text),
        Err(_) => refused(Denied::new(500, "internal", "The answer could not be written. Please report it.")),
    }
}

/// The same of something secret: no copy stays behind here but the one that is sent.
pub(super) fn secret_json(status: StatusCode, value: &impl Serialize) -> Response {
    let mut text = Zeroizing::new(Vec::with_capacity(4096));
    match serde_json::to_writer(&mut *text, value) {
        Ok(()) => json_text(status, text.to_vec()),
        Err(_) => refused(Denied::new(500, "internal", "The answer could not be written. Please report it.")),
    }
}

/// `{"error": {"code": …, "message": …}}`
pub(crate) fn refused(denied: Denied) -> Response {
    let Denied { status, code, message, retry_after, lease } = denied;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json(status, &Refusal { error: RefusalReason { code, message, lease_id: lease } });
    let headers = response.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(wait) = retry_after {
        let seconds = wait.as_millis().div_ceil(1000).max(1).to_string();
        if let Ok(value) = HeaderValue::from_str(&seconds) {
            headers.insert(RETRY_AFTER, value);
        }
    }
    response
}

/// Nobody keeps an answer, and nobody guesses what it is.
pub(super) async fn with_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
