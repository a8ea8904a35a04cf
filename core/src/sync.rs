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
        #[cfg(test)]
        if REFUSED.get() {
            return Err(std::io::ErrorKind::WouldBlock.into());
        }
        entrakey_sys::thread::spawn(name, body).map(drop)
    }

    #[cfg(test)]
    thread_local! {
        static REFUSED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
    }

    /// Until it is dropped, [`spawn`] on this thread fails as it does when the system has no more threads.
    #[cfg(test)]
    pub(crate) fn refuse_threads() -> impl Drop {
        struct Refusal;
        impl Drop for Refusal {
            fn drop(&mut self) {
                REFUSED.set(false);
            }
        }
        REFUSED.set(true);
        Refusal
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

#[cfg(all(test, not(feature = "shuttle")))]
pub(crate) use real::refuse_threads;
pub(crate) use real::{Condvar, Mutex, MutexGuard, spawn};
