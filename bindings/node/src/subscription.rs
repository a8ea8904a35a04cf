//! A listener's registration for new tokens.

use crate::convert::{Failure, version_of};
use crate::provider::Handle;
use napi::Result;
use napi::bindgen_prelude::{External, Function};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi_derive::napi;

/// Calls `listener` after each new token, with nothing: it reads the newest token itself, so that news
/// which waited for a busy event loop cannot deliver an old one. Holds nothing alive.
#[napi(catch_unwind)]
pub fn subscribe(
    handle: &External<Handle>,
    id: u32,
    listener: Function<'_, (), ()>,
) -> Result<Option<Failure>> {
    let news = listener.build_threadsafe_function::<()>().weak::<true>().callee_handled::<false>().build()?;
    // The call fails only if the environment is going away, and the listener with it.
    let subscribed = handle.provider.subscribe(move |_| {
        news.call((), ThreadsafeFunctionCallMode::NonBlocking);
    });
    Ok(match subscribed {
        Ok(subscription) => {
            handle.subscriptions().insert(id, subscription);
            None
        }
        Err(error) => Some(error.into()),
    })
}

/// Ends a subscription; a second call does nothing.
#[napi(catch_unwind)]
pub fn unsubscribe(handle: &External<Handle>, id: u32) {
    let subscription = handle.subscriptions().remove(&id);
    drop(subscription); // after the lock is released, since this drops a function of the host
}

/// Says what became of a re-authentication. Nothing happens if the subscription has ended.
#[napi(catch_unwind)]
pub fn acknowledge(handle: &External<Handle>, id: u32, version: f64, accepted: bool) {
    if let Some(subscription) = handle.subscriptions().get(&id) {
        subscription.ack(version_of(version), accepted);
    }
}
