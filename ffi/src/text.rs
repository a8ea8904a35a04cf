//! Text over the line: UTF-8, NUL-terminated.

use entrakey_core::Error;
use std::borrow::Cow;
use std::ffi::{CStr, CString, c_char};

/// The text of an argument, or an error that names it.
///
/// # Safety
/// `text` is NULL or a NUL-terminated string that stays unchanged for `'a`.
pub(crate) unsafe fn read<'a>(text: *const c_char, name: &str) -> Result<&'a str, Error> {
    if text.is_null() {
        return Err(Error::null_argument(name));
    }
    // SAFETY: not NULL, NUL-terminated by the caller's promise.
    let bytes = unsafe { CStr::from_ptr(text) };
    bytes.to_str().map_err(|_| Error::invalid_argument(&format!("{name} is not valid UTF-8.")))
}

/// As [`read`], for what comes from elsewhere and is only shown: what is not UTF-8 in it is replaced.
///
/// # Safety
/// As [`read`].
pub(crate) unsafe fn read_loosely<'a>(text: *const c_char, name: &str) -> Result<Cow<'a, str>, Error> {
    if text.is_null() {
        return Err(Error::null_argument(name));
    }
    // SAFETY: not NULL, NUL-terminated by the caller's promise.
    Ok(unsafe { CStr::from_ptr(text) }.to_string_lossy())
}

/// A copy for C. What follows a NUL inside is cut off: a message has none, a token's secret neither.
pub(crate) fn owned(text: &str) -> CString {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(text.get(..end).unwrap_or_default()).unwrap_or_default()
}
