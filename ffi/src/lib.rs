//! The C library: `include/entrakey.h`, translated to [`entrakey_core`] and nothing else.
//!
//! The pattern of every function: [`guard::call`] around the body (a panic becomes an error), pointers
//! checked in [`handle`], one call into core, one conversion back. No struct layout crosses the line.

pub mod config;
pub mod error;
mod guard;
mod handle;
pub mod provider;
pub mod request;
mod text;
pub mod token;

use std::ffi::c_char;

/// The number of this header's ABI. It changes when a program built against an older header would break.
pub const ENTRAKEY_ABI: u32 = 0;

/// The ABI of the loaded library: compare it with ENTRAKEY_ABI.
#[unsafe(no_mangle)]
pub extern "C" fn entrakey_abi() -> u32 {
    guard::value(0, || ENTRAKEY_ABI)
}

/// The version of the loaded library, for people. Lives as long as the process.
#[unsafe(no_mangle)]
pub extern "C" fn entrakey_version() -> *const c_char {
    guard::value(std::ptr::null(), || concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast())
}
