//! `entrakey_watch`: a descriptor that hears of new tokens, for event loops.

use crate::error::EntrakeyError;
use crate::provider::EntrakeyProvider;
use crate::{guard, handle};
use entrakey_core::Watch;

/// A descriptor that becomes readable when connections have to re-authenticate. A watch is a subscription without a
/// callback, for event loops and for languages that native threads must not call. Each watch has a descriptor and a
/// random moment of its own: make one for each event loop. Thread-safe. End it with entrakey_watch_free. In a forked
/// child it is dead: free it and make another.
pub struct EntrakeyWatch(pub(crate) Watch);

/// Makes a watch. Its descriptor becomes readable when a token replaces another, early enough and at a random moment of
/// the watch's own. If the provider has no valid token now, the descriptor becomes readable at once when the next token
/// comes. When the provider is closed it stays readable. So make the watch first, then connect. Fails with CLOSED, or
/// with NETWORK if the system gives no descriptor.
///
/// # Safety
/// provider is NULL or live; watch is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_watch_new(
    provider: *const EntrakeyProvider,
    watch: *mut *mut EntrakeyWatch,
) -> *mut EntrakeyError {
    guard::call(|| {
        // SAFETY: the function's own contract.
        let provider = unsafe { handle::borrow(provider, "provider") }?;
        handle::check_output(watch, "watch")?;
        let made = provider.0.watch()?;
        // SAFETY: the function's own contract.
        unsafe { handle::write(watch, handle::give(EntrakeyWatch(made)), "watch") }
    })
}

/// The file descriptor for poll, epoll, kqueue or whatever the loop uses. Wait until it is readable, and do nothing
/// else with it. It belongs to the watch: take it out of the loop before entrakey_watch_free closes it. -1 for NULL and
/// in a forked child.
///
/// # Safety
/// watch is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_watch_handle(watch: *const EntrakeyWatch) -> isize {
    // SAFETY: the function's own contract.
    unsafe { guard::get(watch, -1, |watch| isize::try_from(watch.0.handle()).unwrap_or(-1)) }
}

/// Makes the descriptor unreadable again and gives the newest version since the last call, or 0 if there is no news.
/// Then authenticate with entrakey_provider_copy_credentials, which may give an even newer token. Never blocks. Fails
/// with CLOSED if nothing will come any more: the provider was closed, or this is a forked child.
///
/// # Safety
/// watch is NULL or live; version is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_watch_take(
    watch: *const EntrakeyWatch,
    version: *mut u64,
) -> *mut EntrakeyError {
    guard::call(|| {
        // SAFETY: the function's own contract.
        let watch = unsafe { handle::borrow(watch, "watch") }?;
        handle::check_output(version, "version")?;
        let news = watch.0.take()?.unwrap_or(0);
        // SAFETY: the function's own contract.
        unsafe { handle::write(version, news, "version") }
    })
}

/// As entrakey_subscription_ack.
///
/// # Safety
/// watch is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_watch_ack(watch: *const EntrakeyWatch, version: u64, accepted: bool) {
    // SAFETY: the function's own contract.
    unsafe { guard::get(watch, (), |watch| watch.0.ack(version, accepted)) }
}

/// Ends a watch and closes its descriptor (in a forked child the copy of it stays open). Never waits. A watch may
/// outlive its provider.
///
/// # Safety
/// watch is NULL or live, and not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_watch_free(watch: *mut EntrakeyWatch) {
    // SAFETY: the function's own contract.
    guard::value((), || unsafe { handle::free(watch) });
}
