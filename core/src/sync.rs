//! The locks and threads that the engine uses: the standard library's, or those of shuttle, which tries out
//! interleavings (`refresh/interleavings.rs`).

#[cfg(not(feature = "shuttle"))]
mod real {
    pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};

    /// Starts a thread that the host does not notice.
    ///
    /// # Errors
    /// If the operating system gives none.
    pub(crate) fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        entrakey_sys::thread::spawn(name, body).map(drop)
    }
}

#[cfg(feature = "shuttle")]
mod real {
    pub(crate) use shuttle::sync::{Condvar, Mutex, MutexGuard};

    pub(crate) fn spawn(_name: &str, body: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        drop(shuttle::thread::spawn(body));
        Ok(())
    }
}

pub(crate) use real::{Condvar, Mutex, MutexGuard, spawn};
