//! Every cast between a C pointer and a Rust reference, in one place.

use entrakey_core::Error;

/// What `object` points to, or an error that names the missing argument.
///
/// # Safety
/// `object` is NULL or came from [`give`] and has not been freed; it stays so for `'a`.
pub(crate) unsafe fn borrow<'a, T>(object: *const T, name: &str) -> Result<&'a T, Error> {
    // SAFETY: NULL is checked here; the rest is the caller's promise.
    unsafe { object.as_ref() }.ok_or_else(|| Error::null_argument(name))
}

/// As [`borrow`], for writing.
///
/// # Safety
/// As [`borrow`], and nobody else uses the object for `'a`.
pub(crate) unsafe fn borrow_mut<'a, T>(object: *mut T, name: &str) -> Result<&'a mut T, Error> {
    // SAFETY: NULL is checked here; the rest is the caller's promise.
    unsafe { object.as_mut() }.ok_or_else(|| Error::null_argument(name))
}

/// Hands an object to C, which frees it with its `_free`.
pub(crate) fn give<T>(object: T) -> *mut T {
    Box::into_raw(Box::new(object))
}

/// Takes an object back.
///
/// # Safety
/// As [`free`].
pub(crate) unsafe fn take<T>(object: *mut T, name: &str) -> Result<Box<T>, Error> {
    if object.is_null() {
        return Err(Error::null_argument(name));
    }
    // SAFETY: it came from `Box::into_raw` in `give`, and the caller does not use it again.
    Ok(unsafe { Box::from_raw(object) })
}

/// Takes an object back and drops it. NULL does nothing.
///
/// # Safety
/// `object` is NULL or came from [`give`], and is not used again.
pub(crate) unsafe fn free<T>(object: *mut T) {
    if !object.is_null() {
        // SAFETY: it came from `Box::into_raw` in `give`, and this is its one `_free`.
        drop(unsafe { Box::from_raw(object) });
    }
}

/// What `array` points to, or an error that names the missing argument.
///
/// # Safety
/// `array` is NULL or readable for `count` elements, for `'a`.
pub(crate) unsafe fn borrow_slice<'a, T>(
    array: *const T,
    count: usize,
    name: &str,
) -> Result<&'a [T], Error> {
    if count == 0 {
        return Ok(&[]);
    }
    if array.is_null() {
        return Err(Error::null_argument(name));
    }
    if count > isize::MAX as usize / size_of::<T>() {
        return Err(Error::invalid_argument(&format!("{name} cannot have {count} elements.")));
    }
    // SAFETY: not NULL and no larger than memory can be; the rest is the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(array, count) })
}

/// Fails if there is nowhere to write an output parameter, before anything is done.
pub(crate) fn check_output<T>(out: *const T, name: &str) -> Result<(), Error> {
    if out.is_null() { Err(Error::null_argument(name)) } else { Ok(()) }
}

/// Writes an output parameter, or fails if there is nowhere to write it.
///
/// # Safety
/// `out` is NULL or valid for writing a `T`.
pub(crate) unsafe fn write<T>(out: *mut T, value: T, name: &str) -> Result<(), Error> {
    check_output(out, name)?;
    // SAFETY: not NULL, and valid by the caller's promise.
    unsafe { out.write(value) };
    Ok(())
}

/// Writes an output parameter that the caller may leave out.
///
/// # Safety
/// `out` is NULL or valid for writing a `T`.
pub(crate) unsafe fn write_optional<T>(out: *mut T, value: T) {
    if !out.is_null() {
        // SAFETY: not NULL, and valid by the caller's promise.
        unsafe { out.write(value) };
    }
}
