//! `entrakey_status` and `entrakey_metrics`: what providers are doing, as text.

use crate::error::EntrakeyError;
use crate::provider::EntrakeyProvider;
use crate::{guard, handle, text};
use entrakey_core::{Error, METRICS_CONTENT_TYPE, Status, render_metrics};
use std::ffi::{CString, c_char};

/// What a provider was doing at one moment, for health checks. Holds no secret and no object id. Immutable; may be
/// shared between threads. End it with entrakey_status_free.
pub struct EntrakeyStatus {
    status: Status,
    json: CString,
}

/// The metrics of some providers at one moment. Immutable; may be shared between threads. End it with
/// entrakey_metrics_free.
pub struct EntrakeyMetrics {
    text: CString,
    content_type: CString,
}

/// Gives what the provider is doing now. Never blocks on I/O and never causes a request. A closed provider has a status
/// too.
///
/// # Safety
/// provider is NULL or live; status is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_provider_status(
    provider: *const EntrakeyProvider,
    status: *mut *mut EntrakeyStatus,
) -> *mut EntrakeyError {
    guard::call(|| {
        // SAFETY: the function's own contract.
        let provider = unsafe { handle::borrow(provider, "provider") }?;
        handle::check_output(status, "status")?;
        let now = provider.0.status();
        let made = EntrakeyStatus { json: text::owned(&now.to_json()), status: now };
        // SAFETY: the function's own contract.
        unsafe { handle::write(status, handle::give(made), "status") }
    })
}

/// Whether entrakey_provider_get_token would have answered from memory at that moment; false for NULL.
///
/// # Safety
/// status is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_status_ready(status: *const EntrakeyStatus) -> bool {
    // SAFETY: the function's own contract.
    unsafe { guard::get(status, false, |status| status.status.ready) }
}

/// The whole status as one JSON object: state, validity left, next refresh, last error, clock skew, listeners,
/// counters. Newer libraries may add keys. NULL for NULL.
///
/// # Safety
/// status is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_status_json(status: *const EntrakeyStatus) -> *const c_char {
    // SAFETY: the function's own contract.
    unsafe { guard::get(status, std::ptr::null(), |status| status.json.as_ptr()) }
}

/// Ends a status and its text.
///
/// # Safety
/// status is NULL or live, and not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_status_free(status: *mut EntrakeyStatus) {
    // SAFETY: the function's own contract.
    guard::value((), || unsafe { handle::free(status) });
}

/// Gives the metrics of count providers for a Prometheus endpoint. The configuration key name tells the providers
/// apart. Pass all providers of a process in one call: a page must not describe a metric twice.
///
/// # Safety
/// providers is readable for count live providers (NULL if that is 0); metrics is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_metrics_new(
    providers: *const *const EntrakeyProvider,
    count: usize,
    metrics: *mut *mut EntrakeyMetrics,
) -> *mut EntrakeyError {
    guard::call(|| {
        handle::check_output(metrics, "metrics")?;
        // SAFETY: the function's own contract.
        let providers = unsafe { handle::borrow_slice(providers, count, "providers") }?;
        let statuses = providers.iter().map(|provider| {
            // SAFETY: the function's own contract.
            unsafe { handle::borrow(*provider, "an element of providers") }
                .map(|provider| provider.0.status())
        });
        let rendered = render_metrics(statuses.collect::<Result<_, Error>>()?);
        let made =
            EntrakeyMetrics { text: text::owned(&rendered), content_type: text::owned(METRICS_CONTENT_TYPE) };
        // SAFETY: the function's own contract.
        unsafe { handle::write(metrics, handle::give(made), "metrics") }
    })
}

/// The text of the metrics; NULL for NULL.
///
/// # Safety
/// metrics is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_metrics_text(metrics: *const EntrakeyMetrics) -> *const c_char {
    // SAFETY: the function's own contract.
    unsafe { guard::get(metrics, std::ptr::null(), |metrics| metrics.text.as_ptr()) }
}

/// The Content-Type of that text; NULL for NULL.
///
/// # Safety
/// metrics is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_metrics_content_type(metrics: *const EntrakeyMetrics) -> *const c_char {
    // SAFETY: the function's own contract.
    unsafe { guard::get(metrics, std::ptr::null(), |metrics| metrics.content_type.as_ptr()) }
}

/// Ends metrics and their text.
///
/// # Safety
/// metrics is NULL or live, and not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_metrics_free(metrics: *mut EntrakeyMetrics) {
    // SAFETY: the function's own contract.
    guard::value((), || unsafe { handle::free(metrics) });
}
