//! Answers that both endpoints give, each in its own words.

use axum::body::Body;
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, TRANSFER_ENCODING,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use entrakey_core::Error;
use std::time::Duration;

/// After an error that lasts until somebody has mended something.
pub(crate) const AFTER_LASTING: Duration = Duration::from_secs(30);
/// The agent's files are not what it goes by.
pub(crate) const UNSETTLED: &str = "The agent's files have changed, and what they say of this identity does not hold (yet): the \
                                    agent's log says why.";
/// Whoever is told to come back later waits for this at least.
pub(crate) const LEAST_WAIT: Duration = Duration::from_secs(1);

/// JSON that nobody may keep.
pub(crate) fn json(status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The same with a time after which to ask again.
pub(crate) fn later(mut response: Response, wait: Duration) -> Response {
    let seconds = wait.max(LEAST_WAIT).as_millis().div_ceil(1000);
    let value = HeaderValue::from_str(&seconds.to_string());
    if let Ok(value) = value {
        response.headers_mut().insert(RETRY_AFTER, value);
    }
    response
}

/// What is wrong with a request that is no plain question, and the status that says so.
pub(crate) fn not_a_question(method: &Method, headers: &HeaderMap) -> Option<(StatusCode, &'static str)> {
    if method != Method::GET {
        return Some((StatusCode::METHOD_NOT_ALLOWED, "Only GET is answered."));
    }
    let has_body = headers.contains_key(TRANSFER_ENCODING)
        || headers.get_all(CONTENT_LENGTH).iter().any(|length| length != "0");
    has_body.then_some((StatusCode::BAD_REQUEST, "A question has no body."))
}

/// With what is answered to [`not_a_question`].
pub(crate) fn with_allowed(mut response: Response) -> Response {
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
    }
    response
}

/// When to ask again after this error; none if that does not help before somebody has mended something.
pub(crate) fn retry_after(error: &Error) -> Option<Duration> {
    error.is_retriable().then(|| error.retry_in().unwrap_or(LEAST_WAIT))
}
