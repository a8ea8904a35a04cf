//! `entrakey_subscription`: a callback that hears of new tokens.

use crate::error::EntrakeyError;
use crate::host_data::{EntrakeyFinalize, HostData};
use crate::provider::EntrakeyProvider;
use crate::token::EntrakeyToken;
use crate::{guard, handle};
use entrakey_core::{Error, Subscription};
use std::ffi::c_void;
use std::sync::Arc;
use std::time::Duration;

/// The registration of a token callback. Thread-safe. End it with entrakey_subscription_free, which may be called
/// inside the callback. In a forked child it is dead: neither its callback nor its finalize is called there.
pub struct EntrakeySubscription(pub(crate) Subscription);

/// Receives each token that replaces another. The library calls it on a thread of its own, one call at a time for each
/// subscription, with no lock held. The token belongs to the library and ends with the call. The callback may block (if
/// 1,024 callbacks block at a time, further ones wait) and may call any function of this header, also
/// entrakey_provider_free. No C++ exception and no longjmp may leave it: that ends the process.
pub type EntrakeyTokenCallback =
    Option<unsafe extern "C" fn(token: *const EntrakeyToken, user_data: *mut c_void)>;

/// Registers a callback for each token that replaces another: connections then have to re-authenticate. The call comes
/// early enough, at a random moment of this subscription's own. The first token replaces none and causes no call:
/// subscribe first, then connect with entrakey_provider_get_token. The callback never runs inside this function.
/// finalize may be NULL; it is not called if this fails, for example with CLOSED.
///
/// # Safety
/// provider is NULL or live; user_data may be used from any thread; subscription is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_provider_subscribe(
    provider: *const EntrakeyProvider,
    callback: EntrakeyTokenCallback,
    user_data: *mut c_void,
    finalize: EntrakeyFinalize,
    subscription: *mut *mut EntrakeySubscription,
) -> *mut EntrakeyError {
    guard::call(|| {
        // SAFETY: the function's own contract.
        let provider = unsafe { handle::borrow(provider, "provider") }?;
        let callback = callback.ok_or_else(|| Error::null_argument("callback"))?;
        handle::check_output(subscription, "subscription")?;
        let data = Arc::new(HostData::new(user_data, finalize));
        let called_with = data.clone();
        let made = provider.0.subscribe(move |token| {
            let token = EntrakeyToken::new(token.clone());
            // SAFETY: the host's own function with its own data; the token lives until it returns.
            unsafe { callback(&raw const token, called_with.user_data()) };
        });
        let made = made.inspect_err(|_| data.disarm())?;
        // SAFETY: the function's own contract.
        unsafe { handle::write(subscription, handle::give(EntrakeySubscription(made)), "subscription") }
    })
}

/// Says whether connections re-authenticated with the token of this version, so that status and metrics know which
/// token they are on. From the first acknowledgement on, the subscription counts as being on a token only when that
/// token was acknowledged. accepted = false also reports a rejection, as entrakey_provider_report_rejected does. Never
/// blocks. After entrakey_subscription_unsubscribe it has no effect. NULL does nothing.
///
/// # Safety
/// subscription is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_subscription_ack(
    subscription: *const EntrakeySubscription,
    version: u64,
    accepted: bool,
) {
    // SAFETY: the function's own contract.
    unsafe { guard::get(subscription, (), |subscription| subscription.0.ack(version, accepted)) }
}

/// Ends the subscription's calls and waits until no call is running, for timeout_ms at most. Returns at once inside the
/// callback itself. Returns false if the time was over first: the running call may still finish, and no other follows.
/// After true the library does not use user_data any more, except that finalize may still be called with it. The object
/// must still be freed. Returns true for NULL and in a forked child.
///
/// # Safety
/// subscription is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_subscription_unsubscribe(
    subscription: *const EntrakeySubscription,
    timeout_ms: u64,
) -> bool {
    let end = |subscription: &EntrakeySubscription| subscription.0.end(Duration::from_millis(timeout_ms));
    // SAFETY: the function's own contract.
    unsafe { guard::get(subscription, true, end) }
}

/// Ends the subscription's calls, and the object. Never waits: a running call may still finish, and then finalize is
/// called.
///
/// # Safety
/// subscription is NULL or live, and not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_subscription_free(subscription: *mut EntrakeySubscription) {
    // SAFETY: the function's own contract.
    guard::value((), || unsafe { handle::free(subscription) });
}
