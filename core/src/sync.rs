//! The locks and threads that the engine uses: the standard library's, or those of shuttle, which tries out
//! interleavings (`refresh/interleavings.rs`), or some that ThreadSanitizer can see into.

#[cfg(not(feature = "shuttle"))]
mod real {
    #[cfg(feature = "thread-sanitizer")]
    pub(crate) use super::visible::{Condvar, Mutex, MutexGuard};
    #[cfg(not(feature = "thread-sanitizer"))]
    pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};

    /// Starts a thread that the host does not notice.
    ///
    /// # Errors
    /// If the operating system gives none.
    pub(crate) fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        #[cfg(test)]
        if REFUSED.get() {
            REFUSALS.set(REFUSALS.get() + 1);
            return Err(std::io::ErrorKind::WouldBlock.into());
        }
        entrakey_sys::thread::spawn(name, body).map(drop)
    }

    #[cfg(test)]
    thread_local! {
        static REFUSED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
        static REFUSALS: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
    }

    /// How often [`spawn`] was refused on this thread.
    #[cfg(test)]
    pub(crate) fn refusals() -> u32 {
        REFUSALS.get()
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

/// The standard library is not instrumented, so that ThreadSanitizer misses what its locks order and reports races
/// that are none. These are compiled with the rest.
#[cfg(feature = "thread-sanitizer")]
mod visible {
    use std::sync::{LockResult, TryLockError, TryLockResult};
    use std::time::Duration;

    #[derive(Default)]
    pub(crate) struct Mutex<T>(parking_lot::Mutex<T>);
    pub(crate) type MutexGuard<'a, T> = parking_lot::MutexGuard<'a, T>;
    #[derive(Default)]
    pub(crate) struct Condvar(parking_lot::Condvar);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(parking_lot::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
            Ok(self.0.lock())
        }

        pub(crate) fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
            self.0.try_lock().ok_or(TryLockError::WouldBlock)
        }
    }

    impl Condvar {
        pub(crate) fn new() -> Self {
            Self::default()
        }

        pub(crate) fn notify_one(&self) {
            self.0.notify_one();
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }

        /// Whether the time is over; no caller here asks.
        pub(crate) fn wait_timeout<'a, T>(
            &self,
            mut guard: MutexGuard<'a, T>,
            timeout: Duration,
        ) -> LockResult<(MutexGuard<'a, T>, ())> {
            self.0.wait_for(&mut guard, timeout);
            Ok((guard, ()))
        }
    }
}

pub(crate) use real::{Condvar, Mutex, MutexGuard, spawn};
#[cfg(all(test, not(feature = "shuttle")))]
pub(crate) use real::{refusals, refuse_threads};
