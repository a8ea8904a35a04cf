//! `entrakey_request`: the host is asked for a token or for a client assertion.

use crate::config::EntrakeyConfig;
use crate::error::EntrakeyError;
use crate::host_data::{EntrakeyFinalize, HostData};
use crate::{guard, handle, text};
use entrakey_core::{CredentialRequest, Error};
use std::ffi::{CString, c_char, c_void};

/// A question to the host: for a token, or for a client assertion that an application signs in with. The callback that
/// receives the request owns it and ends it once, in the callback or later, from any thread, with
/// entrakey_request_complete or entrakey_request_fail. An answer after entrakey_request_time_left_ms is dropped.
pub struct EntrakeyRequest {
    request: CredentialRequest,
    scope: Option<CString>,
}

/// Receives a request and owns it. The library calls it on a thread of its own, one call at a time, with no lock held.
/// The callback may block. If it waits for a token of the same provider, that call fails at once. No C++ exception and
/// no longjmp may leave it.
pub type EntrakeyRequestCallback =
    Option<unsafe extern "C" fn(request: *mut EntrakeyRequest, user_data: *mut c_void)>;

/// A callback of C's, and what it is called with.
struct Supplier {
    callback: unsafe extern "C" fn(*mut EntrakeyRequest, *mut c_void),
    data: HostData,
}

impl Supplier {
    fn new(
        callback: EntrakeyRequestCallback,
        user_data: *mut c_void,
        finalize: EntrakeyFinalize,
    ) -> Result<Self, Error> {
        let callback = callback.ok_or_else(|| Error::null_argument("callback"))?;
        Ok(Self { callback, data: HostData::new(user_data, finalize) })
    }

    fn ask(&self, request: CredentialRequest) {
        let scope = request.scope().map(text::owned);
        let request = handle::give(EntrakeyRequest { request, scope });
        // SAFETY: the host's own function with its own data; it owns the request from here on.
        unsafe { (self.callback)(request, self.data.user_data()) };
    }
}

/// Makes the host the source of tokens: the callback is asked for each. The key identity need not be set then. finalize
/// may be NULL; it is called when neither the configuration nor a provider made from it needs the callback any more,
/// and not if this fails.
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
        let supplier = Supplier::new(callback, user_data, finalize)?;
        config.0.on_token_request(move |request| supplier.ask(request));
        Ok(())
    })
}

/// Makes the host the source of client assertions, with which the application of tenant_id and client_id signs in: JWTs
/// that Entra trusts by a federated credential. The callback is asked before each request to Entra. finalize: as for
/// entrakey_config_on_token_request.
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
        let supplier = Supplier::new(callback, user_data, finalize)?;
        config.0.on_assertion_request(move |request| supplier.ask(request));
        Ok(())
    })
}

/// What the token is for. NULL if an assertion is wanted, and for NULL.
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

/// How long the provider will still wait for the answer, in milliseconds; 0 for NULL.
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

/// Answers the request with a token or an assertion, which is copied. This ends the request, whatever it returns.
/// expires_unix_ms: when the token expires, in milliseconds since the Unix epoch by this machine's clock; 0 if the
/// token itself says it; ignored for an assertion. Fails if secret is NULL or not UTF-8; the request has then failed
/// too.
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

/// Answers the request with the reason why there is no token or assertion. The provider asks again later. This ends the
/// request. The message reaches errors and logs, so it must hold no secret. If request is NULL nothing happens; if
/// message is NULL a general message is used.
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
