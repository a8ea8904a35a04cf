//! The proxy's scanners and what rewrites replies, for libFuzzer: proxy-replies.c, proxy-requests.c, proxy-nodes.c.

use entrakey_proxy::fuzzing;

/// # Safety
/// `data` has `size` bytes.
unsafe fn given<'a>(data: *const u8, size: usize) -> &'a [u8] {
    // libFuzzer gives a null pointer for an empty input.
    if size == 0 {
        return &[];
    }
    // SAFETY: it is not null, and the caller says that so much is there.
    unsafe { std::slice::from_raw_parts(data, size) }
}

/// A stream of replies. A panic cannot leave it: the process ends, and libFuzzer keeps the input.
///
/// # Safety
/// `data` has `size` bytes.
// SAFETY: nothing else has this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_fuzz_replies(data: *const u8, size: usize) {
    // SAFETY: what the caller has promised.
    fuzzing::replies(unsafe { given(data, size) });
}

/// A stream of requests.
///
/// # Safety
/// `data` has `size` bytes.
// SAFETY: nothing else has this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_fuzz_requests(data: *const u8, size: usize) {
    // SAFETY: what the caller has promised.
    fuzzing::requests(unsafe { given(data, size) });
}

/// A reply that may name nodes.
///
/// # Safety
/// `data` has `size` bytes.
// SAFETY: nothing else has this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_fuzz_nodes(data: *const u8, size: usize) {
    // SAFETY: what the caller has promised.
    fuzzing::nodes(unsafe { given(data, size) });
}
