//! `entrakey_request`: the host is asked for a token or for a client assertion.

use crate::config::EntrakeyConfig;
use crate::error::EntrakeyError;
use crate::host_data::{EntrakeyFinalize, HostData};
use crate::{guard, handle, text};
use entrakey_core::{CredentialRequest, Error};
use std::ffi::{CString, c_char, c_void};

/// The host is asked for a token, or for a client assertion that an application signs in with. The callback that
/// receives it owns it and ends it once, there or later and from any thread: with entrakey_request_complete or
/// entrakey_request_fail. What comes after entrakey_request_time_left_ms is dropped.
pub struct EntrakeyRequest {
    request: CredentialRequest,
    scope: Option<CString>,
}

/// Is called with a request that it owns, on a thread of the library's, one call at a time, with no lock held. It may
/// block. It must neither throw nor longjmp out, and must not wait for a token of the same provider: that is an
/// error at once.
pub type EntrakeyRequestCallback =
    Option<unsafe extern "C" fn(request: *mut EntrakeyRequest, user_data: *mut c_void)>;

/// A callback of C's, and what it is called with.
struct Supplier {
    callback: unsafe extern "C" fn(*mut EntrakeyRequest, *mut c_void),
    data: HostData,
}

impl Supplier {
    fn ask(&self, request: CredentialRequest) {
        let scope = request.scope().map(text::owned);
        let request = handle::give(EntrakeyRequest { request, scope });
        // SAFETY: the host's own function with its own data; it owns the request from here on.
        unsafe { (self.callback)(request, self.data.user_data()) };
    }
}

/// Tokens come from the host (the key identity need not be set then). finalize may be NULL; it is called when neither
/// the configuration nor a provider made from it needs the callback any more, and not when this fails.
///
/// # Safety
/// config is NULL or live and used by this thread only; user_data may be used from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_config_on_token_request(
    config: *mut EntrakeyConfig,
    callback: EntrakeyRequestCallback,
    user_data: *mut c_void,
    finalize: EntrakeyFinalize,
) -> *mut EntrakeyError {
    guard::call(|| {
        // SAFETY: the function's own contract.
        let config = unsafe { handle::borrow_mut(config, "config")? };
        let callback = callback.ok_or_else(|| Error::null_argument("callback"))?;
        let supplier = Supplier { callback, data: HostData::new(user_data, finalize) };
        config.0.on_token_request(move |request| supplier.ask(request));
        Ok(())
    })
}

/// The application of tenant_id and client_id signs in with assertions of the host's: JWTs that Entra trusts by a
/// federated credential. As entrakey_config_on_token_request; called before each request to Entra.
///
/// # Safety
/// As entrakey_config_on_token_request.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_config_on_assertion_request(
    config: *mut EntrakeyConfig,
    callback: EntrakeyRequestCallback,
    user_data: *mut c_void,
    finalize: EntrakeyFinalize,
) -> *mut EntrakeyError {
    guard::call(|| {
        // SAFETY: the function's own contract.
        let config = unsafe { handle::borrow_mut(config, "config")? };
        let callback = callback.ok_or_else(|| Error::null_argument("callback"))?;
        let supplier = Supplier { callback, data: HostData::new(user_data, finalize) };
        config.0.on_assertion_request(move |request| supplier.ask(request));
        Ok(())
    })
}

/// What the token is for; NULL if it is an assertion that is wanted, and for NULL.
///
/// # Safety
/// request is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_request_scope(request: *const EntrakeyRequest) -> *const c_char {
    // SAFETY: the function's own contract.
    unsafe {
        guard::get(request, std::ptr::null(), |request| {
            request.scope.as_ref().map_or(std::ptr::null(), |scope| scope.as_ptr())
        })
    }
}

/// How long an answer will still be waited for, in milliseconds; 0 for NULL.
///
/// # Safety
/// request is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_request_time_left_ms(request: *const EntrakeyRequest) -> u64 {
    // SAFETY: the function's own contract.
    unsafe {
        guard::get(request, 0, |request| {
            u64::try_from(request.request.time_left().as_millis()).unwrap_or(u64::MAX)
        })
    }
}

/// Hands the token or the assertion over, which is copied, and ends the request whatever is returned.
/// expires_unix_ms: when the token expires, in milliseconds since the Unix epoch by this machine's clock; 0 for what
/// the token itself says. Of an assertion it does not matter. Fails if secret is NULL or not UTF-8; the request has
/// then failed too.
///
/// # Safety
/// request is NULL or live and not used again; secret is NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_request_complete(
    request: *mut EntrakeyRequest,
    secret: *const c_char,
    expires_unix_ms: u64,
) -> *mut EntrakeyError {
    guard::call(|| {
        // SAFETY: the function's own contract.
        let request = unsafe { handle::take(request, "request")? };
        // SAFETY: the function's own contract.
        let secret = unsafe { text::read(secret, "secret") }?;
        request.request.complete(secret.to_owned().into(), (expires_unix_ms > 0).then_some(expires_unix_ms));
        Ok(())
    })
}

/// Says that there is none, and why; it is asked again later. Ends the request. The message reaches errors and logs: no
/// secrets. NULL for either does as well as it can.
///
/// # Safety
/// request is NULL or live and not used again; message is NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_request_fail(request: *mut EntrakeyRequest, message: *const c_char) {
    guard::value((), || {
        // SAFETY: the function's own contract.
        let (request, message) =
            unsafe { (handle::take(request, "request"), text::read(message, "message")) };
        if let Ok(request) = request {
            request.request.fail(message.unwrap_or("it gave no reason"));
        }
    });
}
