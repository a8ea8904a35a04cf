//! The native half of the npm package `entrakey`: it converts, calls the core and converts back.
//!
//! Everything here is private to the package's JavaScript, which is the public face. The functions are free
//! functions on an external handle because a class method costs several times as much to call, and what can
//! fail returns a [`convert::Failure`] because the error class lives in JavaScript.

mod connection;
mod convert;
mod inherited;
mod observation;
mod provider;
mod rejection;
mod request;
mod status;
mod subscription;
mod waiting;

use entrakey_core::{KEYS, VERSION, WHILE_CONNECTING};
use napi_derive::napi;

/// What this library gives back to the system holds no secret any more.
#[global_allocator]
static ALLOCATOR: entrakey_sys::memory::Wiping = entrakey_sys::memory::Wiping;

/// The version of the library that this binary was built from.
#[napi(catch_unwind)]
pub fn library_version() -> &'static str {
    VERSION
}

/// How long a hook may wait for the token of a connection that is being opened, in milliseconds.
#[napi(catch_unwind)]
pub fn connect_timeout_ms() -> u32 {
    let timeout = WHILE_CONNECTING.timeout.unwrap_or_default();
    u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX)
}

/// The configuration keys as the core spells them, for translating the names in its messages.
#[napi(catch_unwind)]
pub fn configuration_keys() -> Vec<&'static str> {
    KEYS.iter().map(|key| key.name).collect()
}
