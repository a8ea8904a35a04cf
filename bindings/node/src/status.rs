//! What a provider says of itself.

use crate::provider::Handle;
use entrakey_core::{METRICS_CONTENT_TYPE, render_metrics};
use napi::bindgen_prelude::External;
use napi_derive::napi;

/// The status as JSON, with the keys as the core spells them.
#[napi(catch_unwind)]
pub fn status(handle: &External<Handle>) -> String {
    handle.provider.status().to_json()
}

/// The metrics of all these providers as one text.
#[napi(catch_unwind)]
pub fn metrics(handles: Vec<&External<Handle>>) -> String {
    render_metrics(handles.into_iter().map(|handle| handle.provider.status()).collect())
}

/// The media type of that text.
#[napi(catch_unwind)]
pub fn metrics_content_type() -> &'static str {
    METRICS_CONTENT_TYPE
}
