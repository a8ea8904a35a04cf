//! Running a host's code, which may panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the code returned; none if it panicked. What it panicked with may panic in its turn when it is dropped:
/// then that is leaked.
pub(crate) fn guarded<T>(code: impl FnOnce() -> T) -> Option<T> {
    let payload = match catch_unwind(AssertUnwindSafe(code)) {
        Ok(value) => return Some(value),
        Err(payload) => payload,
    };
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
    None
}
