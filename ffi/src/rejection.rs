//! `entrakey_rejection`: why a server refused a token.

use crate::error::EntrakeyError;
use crate::provider::EntrakeyProvider;
use crate::{guard, handle, text};
use entrakey_core::{Error, Rejection};
use std::ffi::{CString, c_char};

/// Why a server probably refused a token. Holds ids, no secret. Immutable; may be shared between threads. End it with
/// entrakey_rejection_free.
pub struct EntrakeyRejection {
    reason: CString,
    explanation: CString,
}

/// Tells the provider what a server answered to an AUTH with the token of this version, in the server's or a client
/// library's words, and gives an explanation. If another token could help, the provider asks for one in the background:
/// once for each version, then ever more rarely. Ignored: a version that is older than the current one, and a message
/// that says nothing of the token (reason "not_a_refusal"), as from a server that is loading or a connection that went
/// away. Never blocks. rejection may be NULL. Whatever is not UTF-8 in the message is replaced. Fails with CLOSED.
///
/// # Safety
/// provider is NULL or live; message is NULL or NUL-terminated; rejection is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_provider_report_rejected(
    provider: *const EntrakeyProvider,
    version: u64,
    message: *const c_char,
    rejection: *mut *mut EntrakeyRejection,
) -> *mut EntrakeyError {
    guard::call(|| {
        // SAFETY: the function's own contract.
        let (provider, message) =
            unsafe { (handle::borrow(provider, "provider")?, text::read_loosely(message, "message")?) };
        let found = provider.0.report_rejected(version, &message)?;
        // SAFETY: the function's own contract.
        unsafe { EntrakeyRejection::write(&found, rejection) }
    })
}

impl EntrakeyRejection {
    /// Gives the rejection to a host that wants it.
    ///
    /// # Safety
    /// `out` is NULL or writable.
    pub(crate) unsafe fn write(found: &Rejection, out: *mut *mut Self) -> Result<(), Error> {
        if out.is_null() {
            return Ok(());
        }
        let made =
            Self { reason: text::owned(found.reason.name()), explanation: text::owned(&found.explanation) };
        // SAFETY: it is not NULL, and the rest is the caller's promise.
        unsafe { handle::write(out, handle::give(made), "rejection") }
    }
}

/// The reason's name, for example "no_access_policy"; newer libraries may add names. NULL for NULL.
///
/// # Safety
/// rejection is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_rejection_reason(rejection: *const EntrakeyRejection) -> *const c_char {
    // SAFETY: the function's own contract.
    unsafe { guard::get(rejection, std::ptr::null(), |rejection| rejection.reason.as_ptr()) }
}

/// Who the token was for (object id, tenant, audience, source of the identity), and what to do. NULL for NULL.
///
/// # Safety
/// rejection is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_rejection_explanation(
    rejection: *const EntrakeyRejection,
) -> *const c_char {
    // SAFETY: the function's own contract.
    unsafe { guard::get(rejection, std::ptr::null(), |rejection| rejection.explanation.as_ptr()) }
}

/// Ends a rejection and its strings.
///
/// # Safety
/// rejection is NULL or live, and not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_rejection_free(rejection: *mut EntrakeyRejection) {
    // SAFETY: the function's own contract.
    guard::value((), || unsafe { handle::free(rejection) });
}
