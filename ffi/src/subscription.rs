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

/// A callback's registration. Thread-safe. End it with entrakey_subscription_free, also inside its own callback. In a
/// forked child it is dead: neither its callback nor its finalize is called there.
pub struct EntrakeySubscription(pub(crate) Subscription);

/// Is called with each token that replaces another, on a thread of the library's, one call at a time for each
/// subscription, with no lock held. The token belongs to the library and ends with the call. The callback may block
/// (with 1,024 that block at a time, those behind them wait) and may call any function here, entrakey_provider_free
/// among them. No C++ exception and no longjmp may leave it: that ends the process.
pub type EntrakeyTokenCallback =
    Option<unsafe extern "C" fn(token: *const EntrakeyToken, user_data: *mut c_void)>;

/// Has callback called when connections have to re-authenticate, early enough and at a random moment of its own. Not
/// for the first token, which replaces none: subscribe first, and connect with entrakey_provider_get_token
/// afterwards. Never calls from inside; finalize may be NULL, and is not called when this fails, with CLOSED for
/// example.
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

/// Says what became of a re-authentication with the token of this version, so that status and metrics know which
/// connections are on which token. From the first call on, a subscription counts as being on a token only when that
/// was acknowledged. accepted = false also tells the provider, as entrakey_provider_report_rejected does. Never
/// blocks. After entrakey_subscription_unsubscribe nobody counts it any more. NULL does nothing.
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

/// Ends the calls and waits until none is under way, for timeout_ms at most; at once inside its own callback. False if
/// the time was over first: the call under way may still finish, no other follows. What user_data points to may be
/// gone after true, unless there is a finalize, which may still be to come. The object is still to be freed. True for
/// NULL and in a forked child.
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

/// Ends the calls, and the object. Never waits: a call under way may still finish, and then finalize follows.
///
/// # Safety
/// subscription is NULL or live, and not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_subscription_free(subscription: *mut EntrakeySubscription) {
    // SAFETY: the function's own contract.
    guard::value((), || unsafe { handle::free(subscription) });
}
