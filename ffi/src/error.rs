//! `entrakey_error`: what a failed call gives.

use crate::{guard, handle, text};
use entrakey_core::Error;
use std::ffi::{CString, c_char};

/// An argument of the call makes no sense: NULL, not UTF-8, a buffer that is too small.
pub const ENTRAKEY_ERROR_INVALID_ARGUMENT: u32 = 1;
/// A configuration key is unknown, missing or contradicts another.
pub const ENTRAKEY_ERROR_INVALID_CONFIG: u32 = 2;
/// The identity does not exist on this machine, or no managed identity endpoint is here.
pub const ENTRAKEY_ERROR_IDENTITY_UNAVAILABLE: u32 = 3;
/// Entra refused the identity; entrakey_error_aadsts says why.
pub const ENTRAKEY_ERROR_AUTH_REJECTED: u32 = 4;
/// The source asks for fewer requests.
pub const ENTRAKEY_ERROR_THROTTLED: u32 = 5;
/// The source could not be reached, or this process may not have what that takes (a thread, a descriptor).
pub const ENTRAKEY_ERROR_NETWORK: u32 = 6;
/// No answer within the time allowed.
pub const ENTRAKEY_ERROR_TIMEOUT: u32 = 7;
/// The source answered something that is not a token.
pub const ENTRAKEY_ERROR_BAD_RESPONSE: u32 = 8;
/// The token has no claim to take the Redis user name from.
pub const ENTRAKEY_ERROR_USERNAME_UNAVAILABLE: u32 = 9;
/// The provider was closed.
pub const ENTRAKEY_ERROR_CLOSED: u32 = 10;
/// The host's own callback failed.
pub const ENTRAKEY_ERROR_CALLBACK_FAILED: u32 = 11;
/// A defect in this library; please report it.
pub const ENTRAKEY_ERROR_INTERNAL: u32 = 12;

/// What went wrong, in a sentence that says what to do. Immutable; may be shared between threads. It holds
/// no secret. End it with entrakey_error_free.
pub struct EntrakeyError {
    kind: u32,
    name: CString,
    message: CString,
    correlation_id: Option<CString>,
    aadsts: u32,
    http_status: u32,
    retriable: bool,
}

impl EntrakeyError {
    pub(crate) fn owned(error: &Error) -> *mut Self {
        handle::give(Self {
            kind: error.kind().number(),
            name: text::owned(error.kind().name()),
            message: text::owned(&error.to_string()),
            correlation_id: error.correlation_id().map(text::owned),
            aadsts: error.aadsts().unwrap_or(0),
            http_status: error.http_status().unwrap_or(0).into(),
            retriable: error.is_retriable(),
        })
    }

    #[cfg(test)]
    pub(crate) fn kind(&self) -> u32 {
        self.kind
    }
}

/// One of the ENTRAKEY_ERROR_ numbers, 0 for NULL. Newer libraries may know more kinds.
///
/// # Safety
/// error is NULL or a live error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_error_kind(error: *const EntrakeyError) -> u32 {
    // SAFETY: the function's own contract.
    unsafe { guard::get(error, 0, |error| error.kind) }
}

/// The kind's name, "INVALID_CONFIG" for example; NULL for NULL.
///
/// # Safety
/// error is NULL or a live error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_error_name(error: *const EntrakeyError) -> *const c_char {
    // SAFETY: the function's own contract.
    unsafe { guard::get(error, std::ptr::null(), |error| error.name.as_ptr()) }
}

/// What happened and what to do about it; NULL for NULL.
///
/// # Safety
/// error is NULL or a live error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_error_message(error: *const EntrakeyError) -> *const c_char {
    // SAFETY: the function's own contract.
    unsafe { guard::get(error, std::ptr::null(), |error| error.message.as_ptr()) }
}

/// Whether the same call can succeed later if nothing is changed.
///
/// # Safety
/// error is NULL or a live error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_error_retriable(error: *const EntrakeyError) -> bool {
    // SAFETY: the function's own contract.
    unsafe { guard::get(error, false, |error| error.retriable) }
}

/// The number of Entra's refusal, 7000215 for AADSTS7000215; 0 if it was not Entra that refused.
///
/// # Safety
/// error is NULL or a live error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_error_aadsts(error: *const EntrakeyError) -> u32 {
    // SAFETY: the function's own contract.
    unsafe { guard::get(error, 0, |error| error.aadsts) }
}

/// The HTTP status of the source's answer, 0 if there was none.
///
/// # Safety
/// error is NULL or a live error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_error_http_status(error: *const EntrakeyError) -> u32 {
    // SAFETY: the function's own contract.
    unsafe { guard::get(error, 0, |error| error.http_status) }
}

/// The correlation id that Microsoft's support asks for; NULL if there is none.
///
/// # Safety
/// error is NULL or a live error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_error_correlation_id(error: *const EntrakeyError) -> *const c_char {
    let id = |error: &EntrakeyError| error.correlation_id.as_ref().map_or(std::ptr::null(), |id| id.as_ptr());
    // SAFETY: the function's own contract.
    unsafe { guard::get(error, std::ptr::null(), id) }
}

/// Ends an error and its strings.
///
/// # Safety
/// error is NULL or a live error that is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_error_free(error: *mut EntrakeyError) {
    // SAFETY: the function's own contract.
    guard::value((), || unsafe { handle::free(error) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use entrakey_core::ErrorKind;

    #[test]
    fn the_numbers_are_those_of_core() {
        let ours = [
            (ENTRAKEY_ERROR_INVALID_ARGUMENT, "INVALID_ARGUMENT"),
            (ENTRAKEY_ERROR_INVALID_CONFIG, "INVALID_CONFIG"),
            (ENTRAKEY_ERROR_IDENTITY_UNAVAILABLE, "IDENTITY_UNAVAILABLE"),
            (ENTRAKEY_ERROR_AUTH_REJECTED, "AUTH_REJECTED"),
            (ENTRAKEY_ERROR_THROTTLED, "THROTTLED"),
            (ENTRAKEY_ERROR_NETWORK, "NETWORK"),
            (ENTRAKEY_ERROR_TIMEOUT, "TIMEOUT"),
            (ENTRAKEY_ERROR_BAD_RESPONSE, "BAD_RESPONSE"),
            (ENTRAKEY_ERROR_USERNAME_UNAVAILABLE, "USERNAME_UNAVAILABLE"),
            (ENTRAKEY_ERROR_CLOSED, "CLOSED"),
            (ENTRAKEY_ERROR_CALLBACK_FAILED, "CALLBACK_FAILED"),
            (ENTRAKEY_ERROR_INTERNAL, "INTERNAL"),
        ];
        let cores = ErrorKind::ALL.map(|kind| (kind.number(), kind.name()));
        assert_eq!(ours, cores);
    }
}
