//! `entrakey_token`: an immutable snapshot of one token.

use crate::{guard, handle};
use entrakey_core::Token;
use std::ffi::c_char;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A token and the Redis user name that goes with it. Immutable; may be shared between threads, and stays
/// valid after its provider is freed. End it with entrakey_token_free.
pub struct EntrakeyToken {
    token: Arc<Token>,
    secret: Zeroizing<Vec<u8>>,
    username: Vec<u8>,
}

impl EntrakeyToken {
    pub(crate) fn new(token: Arc<Token>) -> Self {
        // Core lets no control characters into either, so the NUL at the end is the only one.
        let terminated = |text: &str| [text.as_bytes(), b"\0"].concat();
        Self {
            secret: Zeroizing::new(terminated(token.secret())),
            username: terminated(token.username()),
            token,
        }
    }
}

/// The user name for Redis's AUTH: the identity's object id. NULL for NULL.
///
/// # Safety
/// token is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_token_username(token: *const EntrakeyToken) -> *const c_char {
    // SAFETY: the function's own contract.
    unsafe { guard::get(token, std::ptr::null(), |token| token.username.as_ptr().cast()) }
}

/// The password for Redis's AUTH: the access token. A bearer secret: do not log it. NULL for NULL.
///
/// # Safety
/// token is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_token_secret(token: *const EntrakeyToken) -> *const c_char {
    // SAFETY: the function's own contract.
    unsafe { guard::get(token, std::ptr::null(), |token| token.secret.as_ptr().cast()) }
}

/// The token's number among its provider's tokens, from 1; 0 for NULL.
///
/// # Safety
/// token is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_token_version(token: *const EntrakeyToken) -> u64 {
    // SAFETY: the function's own contract.
    unsafe { guard::get(token, 0, |token| token.token.version()) }
}

/// When the token expires, in milliseconds since the Unix epoch by this machine's clock; 0 for NULL.
///
/// # Safety
/// token is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_token_expires_unix_ms(token: *const EntrakeyToken) -> u64 {
    // SAFETY: the function's own contract.
    unsafe { guard::get(token, 0, |token| token.token.expires_unix_ms()) }
}

/// When the provider means to replace the token, in milliseconds since the Unix epoch; 0 for NULL.
///
/// # Safety
/// token is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_token_refresh_unix_ms(token: *const EntrakeyToken) -> u64 {
    // SAFETY: the function's own contract.
    unsafe { guard::get(token, 0, |token| token.token.refresh_unix_ms()) }
}

/// Ends a token and wipes this copy of the secret.
///
/// # Safety
/// token is NULL or live, and not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_token_free(token: *mut EntrakeyToken) {
    // SAFETY: the function's own contract.
    guard::value((), || unsafe { handle::free(token) });
}
