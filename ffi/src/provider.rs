//! `entrakey_provider`: supplies the token of one identity and keeps it fresh.

use crate::config::EntrakeyConfig;
use crate::error::EntrakeyError;
use crate::token::EntrakeyToken;
use crate::{guard, handle};
use entrakey_core::{DuringOutage, Error, GetToken, Provider, Token};
use std::ffi::c_char;
use std::sync::Arc;
use std::time::Duration;

/// Supplies the access tokens of one identity and keeps them fresh on a background thread, which starts with the first
/// token. Thread-safe. A forked child may use it too and starts from its parent's token. End it with
/// entrakey_provider_free.
pub struct EntrakeyProvider(pub(crate) Provider);

/// Makes a provider from a configuration and the environment, which is read now and never again. Does no network I/O.
/// Fails with INVALID_CONFIG if a key is missing, contradicts another or has an unsafe value.
///
/// # Safety
/// config is NULL or live; provider is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_provider_new(
    config: *const EntrakeyConfig,
    provider: *mut *mut EntrakeyProvider,
) -> *mut EntrakeyError {
    guard::call(|| {
        handle::check_output(provider, "provider")?;
        // SAFETY: the function's own contract.
        let made = Provider::new(&unsafe { handle::borrow(config, "config") }?.0)?;
        // SAFETY: the function's own contract.
        unsafe { handle::write(provider, handle::give(EntrakeyProvider(made)), "provider") }
    })
}

/// Gives a valid token from memory, or else from the source. In the second case the call blocks, through failures that
/// pass, for timeout_ms at most (0: the configured get_token_timeout_ms). Any number of threads that call cause one
/// request. Fails with what the source said last, with TIMEOUT or with CLOSED.
///
/// # Safety
/// provider is NULL or live; token is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_provider_get_token(
    provider: *const EntrakeyProvider,
    timeout_ms: u64,
    token: *mut *mut EntrakeyToken,
) -> *mut EntrakeyError {
    let timeout = (timeout_ms != 0).then(|| Duration::from_millis(timeout_ms));
    // SAFETY: the function's own contract.
    guard::quick_call(|| unsafe {
        get_token(provider, GetToken { timeout, during_outage: DuringOutage::Wait }, token)
    })
}

/// As entrakey_provider_get_token, except during an outage: if there is no valid token and the last request failed, the
/// call fails at once with that error instead of waiting for the next attempt. For hooks that a client calls again and
/// again while it connects: the first call of an outage waits, the others do not.
///
/// # Safety
/// As entrakey_provider_get_token.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_provider_get_token_no_wait(
    provider: *const EntrakeyProvider,
    timeout_ms: u64,
    token: *mut *mut EntrakeyToken,
) -> *mut EntrakeyError {
    let timeout = (timeout_ms != 0).then(|| Duration::from_millis(timeout_ms));
    // SAFETY: the function's own contract.
    guard::quick_call(|| unsafe {
        get_token(provider, GetToken { timeout, during_outage: DuringOutage::Report }, token)
    })
}

/// # Safety
/// As [`entrakey_provider_get_token`].
unsafe fn get_token(
    provider: *const EntrakeyProvider,
    how: GetToken,
    token: *mut *mut EntrakeyToken,
) -> Result<(), Error> {
    handle::check_output(token, "token")?;
    // SAFETY: the caller's promise.
    let provider = &unsafe { handle::borrow(provider, "provider") }?.0;
    let found = match provider.with_usable(Arc::clone) {
        Some(token) => token,
        None => guard::shielded(|| provider.get_token_with(how))?,
    };
    // SAFETY: the caller's promise.
    unsafe { handle::write(token, handle::give(EntrakeyToken::new(found)), "token") }
}

/// Gives the token in memory, yours to free, if it is still valid, however little is left of it. Returns NULL
/// otherwise. Never blocks and never causes a request.
///
/// # Safety
/// provider is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_provider_current(provider: *const EntrakeyProvider) -> *mut EntrakeyToken {
    let give = |token| handle::give(EntrakeyToken::new(token));
    let current = |provider: &EntrakeyProvider| {
        guard::shielded(|| provider.0.current()).map_or(std::ptr::null_mut(), give)
    };
    // SAFETY: the function's own contract.
    unsafe { guard::get(provider, std::ptr::null_mut(), current) }
}

/// Waits until entrakey_provider_get_token would answer from memory, for timeout_ms at most (0: the configured
/// get_token_timeout_ms). For health checks at start-up. Causes the first request if there was none. Fails as
/// entrakey_provider_get_token.
///
/// # Safety
/// provider is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_provider_ready(
    provider: *const EntrakeyProvider,
    timeout_ms: u64,
) -> *mut EntrakeyError {
    guard::call(|| {
        let timeout = (timeout_ms != 0).then(|| Duration::from_millis(timeout_ms));
        // SAFETY: the function's own contract.
        unsafe { handle::borrow(provider, "provider") }?.0.ready(timeout)
    })
}

/// Copies user name and secret of one token, each with a NUL at its end, into the caller's buffers. Never
/// blocks; allocates nothing unless it fails. With no usable token in memory it starts a request in the
/// background and fails at once (TIMEOUT, or the last error).
///
/// Unlike elsewhere, the lengths (without the NUL) are written even when a buffer is too small, which is
/// INVALID_ARGUMENT: compare them with the capacities. With both capacities 0 only the lengths are asked
/// for. expires_unix_ms and version may be NULL.
///
/// # Safety
/// provider is NULL or live; user and secret are writable for their capacities (NULL if those are 0); the
/// other outputs are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_provider_copy_credentials(
    provider: *const EntrakeyProvider,
    user: *mut c_char,
    user_cap: usize,
    user_len: *mut usize,
    secret: *mut c_char,
    secret_cap: usize,
    secret_len: *mut usize,
    expires_unix_ms: *mut u64,
    version: *mut u64,
) -> *mut EntrakeyError {
    guard::quick_call(|| {
        // SAFETY: the function's own contract.
        let provider = unsafe { handle::borrow(provider, "provider") }?;
        handle::check_output(user_len, "user_len")?;
        handle::check_output(secret_len, "secret_len")?;
        let copy = |token: &Token| {
            let (name, password) = (token.username(), token.secret());
            // SAFETY: the function's own contract.
            unsafe {
                handle::write(user_len, name.len(), "user_len")?;
                handle::write(secret_len, password.len(), "secret_len")?;
                if (user_cap, secret_cap) != (0, 0) {
                    check_room(user, user_cap, name, "user")?;
                    check_room(secret, secret_cap, password, "secret")?;
                    copy_text(user, name);
                    copy_text(secret, password);
                }
                handle::write_optional(expires_unix_ms, token.expires_unix_ms());
                handle::write_optional(version, token.version());
            }
            Ok(())
        };
        match provider.0.with_usable(|token| copy(token)) {
            Some(copied) => copied,
            None => {
                let at_once = GetToken { timeout: Some(Duration::ZERO), during_outage: DuringOutage::Report };
                let token = guard::shielded(|| provider.0.get_token_with(at_once))?;
                copy(&token)
            }
        }
    })
}

fn check_room(buffer: *mut c_char, capacity: usize, text: &str, name: &str) -> Result<(), Error> {
    if buffer.is_null() && capacity > 0 {
        return Err(Error::null_argument(name));
    }
    if capacity <= text.len() {
        let needed = text.len() + 1;
        return Err(Error::invalid_argument(&format!(
            "{name} has room for {capacity} bytes; {needed} are needed."
        )));
    }
    Ok(())
}

/// # Safety
/// `buffer` is writable for one byte more than `text` has.
unsafe fn copy_text(buffer: *mut c_char, text: &str) {
    // SAFETY: the caller has checked the room; a caller's buffer cannot overlap the token's own memory.
    unsafe {
        std::ptr::copy_nonoverlapping(text.as_ptr().cast(), buffer, text.len());
        buffer.add(text.len()).write(0);
    }
}

/// The version of the newest token; 0 before the first one, after close and for NULL. Costs one atomic load: compare it
/// before each command with the version that the connection last authenticated with. In a forked child this returns the
/// parent's version until the child makes its first other call. Copying credentials counts as one.
///
/// # Safety
/// provider is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_provider_version(provider: *const EntrakeyProvider) -> u64 {
    guard::quick_value(0, || {
        // SAFETY: the function's own contract.
        let provider = unsafe { handle::borrow(provider, "provider") };
        provider.map_or(0, |provider| provider.0.version())
    })
}

/// How many milliseconds a connection on the token of this version may wait before it authenticates again: until a newer
/// token is due, if there is none, and then up to a random moment inside what reauth_spread allows, well before its token
/// expires. Each call draws anew, so call it once for each connection and token: the moment of a watch or a subscription is
/// one for all of its connections. 0 for a token that should be left at once, after close and for NULL. Never blocks.
///
/// # Safety
/// provider is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_provider_reauth_in_ms(
    provider: *const EntrakeyProvider,
    version: u64,
) -> u64 {
    guard::value(0, || {
        // SAFETY: the function's own contract.
        let provider = unsafe { handle::borrow(provider, "provider") };
        provider.map_or(0, |provider| {
            u64::try_from(provider.0.reauth_in(version).as_millis()).unwrap_or(u64::MAX)
        })
    })
}

/// Asks for a new token soon, whatever is left of the current one, which stays in service meanwhile. For when a secret
/// was replaced. Never blocks. There is still one request at a time, and requests keep their distance, so calling this
/// often does no harm. Fails with CLOSED.
///
/// # Safety
/// provider is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_provider_refresh(provider: *const EntrakeyProvider) -> *mut EntrakeyError {
    // SAFETY: the function's own contract.
    guard::call(|| unsafe { handle::borrow(provider, "provider") }?.0.refresh())
}

/// Ends the background work and forgets the token. Calls that wait fail with CLOSED, and so do later ones. Does not
/// block. NULL and a second call do nothing.
///
/// # Safety
/// provider is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_provider_close(provider: *const EntrakeyProvider) {
    guard::value((), || {
        // SAFETY: the function's own contract.
        if let Ok(provider) = unsafe { handle::borrow(provider, "provider") } {
            provider.0.close();
        }
    });
}

/// Closes a provider and ends it. Tokens that it gave stay valid. Does not block.
///
/// # Safety
/// provider is NULL or live, no other thread is inside one of its functions, and it is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_provider_free(provider: *mut EntrakeyProvider) {
    // SAFETY: the function's own contract.
    guard::value((), || unsafe { handle::free(provider) });
}
