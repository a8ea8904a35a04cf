//! No panic crosses into C, and no thread is cancelled in the middle of our code. Every exported function has its body
//! inside one of these.

use crate::error::EntrakeyError;
use crate::handle;
use entrakey_core::Error;
use entrakey_sys::thread::CancellationHeldOff;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a body during which the thread cannot be cancelled: a pending cancellation takes effect in the host's own code.
pub(crate) fn shielded<T>(body: impl FnOnce() -> T) -> T {
    let _shield = CancellationHeldOff::new();
    body()
}

/// Runs a fallible body: NULL, or an error that the caller owns.
pub(crate) fn call(body: impl FnOnce() -> Result<(), Error>) -> *mut EntrakeyError {
    shielded(|| quick_call(body))
}

/// As [`call`], for a body that passes no cancellation point (no file, no waiting, no closing of a descriptor): the hit
/// path.
#[inline]
pub(crate) fn quick_call(body: impl FnOnce() -> Result<(), Error>) -> *mut EntrakeyError {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => std::ptr::null_mut(),
        Ok(Err(error)) => EntrakeyError::owned(&error),
        Err(_) => EntrakeyError::owned(&Error::internal("A call failed in a way that it never should.")),
    }
}

/// Runs a body that cannot fail; `fallback` is for the panic that should never be.
pub(crate) fn value<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    shielded(|| quick_value(fallback, body))
}

/// As [`value`], for a body that passes no cancellation point.
#[inline]
pub(crate) fn quick_value<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(fallback)
}

/// Reads from an object, which passes no cancellation point; `fallback` is for NULL.
///
/// # Safety
/// As [`handle::borrow`].
pub(crate) unsafe fn get<O, T>(object: *const O, fallback: T, read: impl FnOnce(&O) -> T) -> T {
    // SAFETY: passed on from the caller.
    quick_value(None, || unsafe { handle::borrow(object, "object") }.ok().map(read)).unwrap_or(fallback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_or_the_fallback() {
        let error = call(|| panic!("on purpose"));
        assert!(!error.is_null());
        // SAFETY: `call` gave us this box just now.
        let error = unsafe { Box::from_raw(error) };
        assert_eq!(error.kind(), entrakey_core::ErrorKind::Internal.number());
        assert_eq!(value(7, || panic!("on purpose")), 7);
    }
}
