//! The locks that the engine uses: the standard library's, or those of shuttle, which tries out
//! interleavings of threads (`core/tests/interleavings.rs`).

#[cfg(feature = "shuttle")]
pub(crate) use shuttle::sync::{Condvar, Mutex, MutexGuard};
#[cfg(not(feature = "shuttle"))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
