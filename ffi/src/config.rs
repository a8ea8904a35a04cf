//! `entrakey_config`: values by key, before a provider is made from them.

use crate::error::EntrakeyError;
use crate::{guard, handle, text};
use entrakey_core::{Config, Error};
use std::ffi::c_char;

/// Configuration by key. Belongs to one thread at a time. A provider copies what it needs, so it may be
/// freed right after entrakey_provider_new. End it with entrakey_config_free.
pub struct EntrakeyConfig(pub(crate) Config);

/// Makes an empty configuration. When a provider is made from it, a key that is not set comes from the environment
/// (ENTRAKEY_<KEY>, then Azure's own variables), then from the file that config_file names.
#[unsafe(no_mangle)]
pub extern "C" fn entrakey_config_new() -> *mut EntrakeyConfig {
    guard::value(std::ptr::null_mut(), || handle::give(EntrakeyConfig(Config::new())))
}

/// Sets one key; a later call for the same key wins. Numbers are written as text ("30000"). Both strings are
/// copied. Fails with INVALID_CONFIG for an unknown key (naming the nearest) or a value of the wrong type.
///
/// # Safety
/// config is NULL or live and used by this thread only; key and value are NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_config_set(
    config: *mut EntrakeyConfig,
    key: *const c_char,
    value: *const c_char,
) -> *mut EntrakeyError {
    guard::call(|| {
        // SAFETY: the function's own contract.
        let (config, key, value) = unsafe {
            (handle::borrow_mut(config, "config")?, text::read(key, "key")?, text::read(value, "value")?)
        };
        config.0.set(key, value)
    })
}

/// A flag of entrakey_config_set_json: ${NAME} in a value is the environment variable of that name, as in a
/// configuration file ($${ stands for ${).
pub const ENTRAKEY_JSON_EXPAND: u32 = 1;

/// Sets the keys of a JSON object, {"client_id": "…", "refresh_ratio": 0.5}: all of them, or none if one is refused.
/// Numbers and booleans may be written as such. Without ENTRAKEY_JSON_EXPAND in flags a value is taken literally, also
/// one with "${". Fails with INVALID_CONFIG, whose message names the key or the line and repeats no value, and with
/// INVALID_ARGUMENT for a flag that this library does not know.
///
/// # Safety
/// config is NULL or live and used by this thread only; text is NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_config_set_json(
    config: *mut EntrakeyConfig,
    text: *const c_char,
    flags: u32,
) -> *mut EntrakeyError {
    guard::call(|| {
        // SAFETY: the function's own contract.
        let (config, text) = unsafe { (handle::borrow_mut(config, "config")?, text::read(text, "text")?) };
        let unknown = flags & !ENTRAKEY_JSON_EXPAND;
        if unknown != 0 {
            return Err(Error::invalid_argument(&format!("flags has bits that mean nothing: {unknown:#x}.")));
        }
        config.0.set_json(text, flags & ENTRAKEY_JSON_EXPAND != 0)
    })
}

/// Ends a configuration; its secrets are wiped.
///
/// # Safety
/// config is NULL or live, and not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_config_free(config: *mut EntrakeyConfig) {
    // SAFETY: the function's own contract.
    guard::value((), || unsafe { handle::free(config) });
}
