//! The C library: `include/entrakey.h`, translated to [`entrakey_core`] and nothing else.
//!
//! The pattern of every function: [`guard::call`] around the body (a panic becomes an error), pointers
//! checked in [`handle`], one call into core, one conversion back. No struct layout crosses the line.

// In the order in which the header is read.

pub mod config;

pub mod request;

pub mod provider;

pub mod token;

pub mod error;

pub mod rejection;

pub mod subscription;

pub mod watch;

pub mod connection;

pub mod observation;

pub mod status;

// What the modules above are built from.

mod guard;
mod handle;
pub mod host_data;
mod text;

use std::ffi::c_char;

/// What this library gives back to the system holds no secret any more.
#[global_allocator]
static ALLOCATOR: entrakey_sys::memory::Wiping = entrakey_sys::memory::Wiping;

/// The number of this header's ABI. It changes when a program built against an older header would break; functions,
/// keys and kinds are added without. It is also the number in the shared library's name (SONAME), so that the system
/// loads no other for a program that was linked.
pub const ENTRAKEY_ABI: u32 = 1;

/// The ABI of the loaded library. A program that loads the library by hand (dlopen, a language's FFI) compares it with
/// ENTRAKEY_ABI first, and calls nothing else if the numbers differ.
#[unsafe(no_mangle)]
pub extern "C" fn entrakey_abi() -> u32 {
    guard::value(0, || ENTRAKEY_ABI)
}

/// The version of the loaded library, for people. The string lives as long as the process.
#[unsafe(no_mangle)]
pub extern "C" fn entrakey_version() -> *const c_char {
    guard::value(std::ptr::null(), || concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast())
}
