//! `entrakey_observation`: a callback that hears of everything that happens, for logs.

use crate::error::EntrakeyError;
use crate::host_data::{EntrakeyFinalize, HostData};
use crate::provider::EntrakeyProvider;
use crate::{guard, handle, text};
use entrakey_core::{Error, Level, Observation, ProviderEvent};
use std::ffi::{c_char, c_void};
use std::sync::Arc;

/// Something an operator should look at: the state has changed for the worse.
pub const ENTRAKEY_LEVEL_WARN: u32 = 1;
/// A change that is as it should be: a new token.
pub const ENTRAKEY_LEVEL_INFO: u32 = 2;
/// Each single step: every retry, every re-authentication.
pub const ENTRAKEY_LEVEL_DEBUG: u32 = 3;

/// The registration of an event callback. Thread-safe. End it with entrakey_observation_free, which may be called
/// inside the callback. In a forked child it is dead.
pub struct EntrakeyObservation {
    _observation: Observation,
}

/// Receives the provider's events in their order: the level (an ENTRAKEY_LEVEL_), the name ("token_refreshed"; newer
/// libraries may add names) and a line for a log, which holds no secret. Both texts end with the call. The library
/// calls it on a thread of its own, one call at a time, with no lock held. The callback may block and may call any
/// function of this header. If events come faster than it returns, some are dropped and counted in the status. No C++
/// exception and no longjmp may leave it.
pub type EntrakeyEventCallback = Option<
    unsafe extern "C" fn(level: u32, name: *const c_char, message: *const c_char, user_data: *mut c_void),
>;

/// Registers a callback for the events of this level and of the more important ones (ENTRAKEY_LEVEL_INFO: warnings
/// too). finalize may be NULL; it is not called if this fails: with INVALID_ARGUMENT for an unknown level, or with
/// CLOSED.
///
/// # Safety
/// provider is NULL or live; user_data may be used from any thread; observation is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_provider_observe(
    provider: *const EntrakeyProvider,
    level: u32,
    callback: EntrakeyEventCallback,
    user_data: *mut c_void,
    finalize: EntrakeyFinalize,
    observation: *mut *mut EntrakeyObservation,
) -> *mut EntrakeyError {
    guard::call(|| {
        // SAFETY: the function's own contract.
        let provider = unsafe { handle::borrow(provider, "provider") }?;
        let callback = callback.ok_or_else(|| Error::null_argument("callback"))?;
        let level = level_of(level)?;
        handle::check_output(observation, "observation")?;
        let data = Arc::new(HostData::new(user_data, finalize));
        let called_with = data.clone();
        let tell = move |event: &ProviderEvent| {
            let (name, message) = (text::owned(event.name()), text::owned(&event.to_string()));
            let level = event.level() as u32;
            // SAFETY: the host's own function with its own data; the texts live until it returns.
            unsafe { callback(level, name.as_ptr(), message.as_ptr(), called_with.user_data()) };
        };
        let made = provider.0.observe(level, tell).inspect_err(|_| data.disarm())?;
        let made = EntrakeyObservation { _observation: made };
        // SAFETY: the function's own contract.
        unsafe { handle::write(observation, handle::give(made), "observation") }
    })
}

fn level_of(number: u32) -> Result<Level, Error> {
    match number {
        ENTRAKEY_LEVEL_WARN => Ok(Level::Warn),
        ENTRAKEY_LEVEL_INFO => Ok(Level::Info),
        ENTRAKEY_LEVEL_DEBUG => Ok(Level::Debug),
        _ => Err(Error::invalid_argument("level is none of the ENTRAKEY_LEVEL_ numbers.")),
    }
}

/// Ends the observation's calls, and the object. Never waits: a running call may still finish, and then finalize is
/// called.
///
/// # Safety
/// observation is NULL or live, and not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_observation_free(observation: *mut EntrakeyObservation) {
    // SAFETY: the function's own contract.
    guard::value((), || unsafe { handle::free(observation) });
}
