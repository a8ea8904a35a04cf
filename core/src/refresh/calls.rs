//! Which listeners are being called, and on which threads: for whoever must not go on while one is.
//!
//! Under a lock of its own, so that waiting here holds up nothing that the engine does.

use crate::sync::{Condvar, Mutex, MutexGuard};
use std::collections::HashMap;
use std::sync::PoisonError;
use std::thread::ThreadId;
use std::time::Duration;

#[derive(Default)]
pub(super) struct Calls {
    running: Mutex<HashMap<u64, ThreadId>>,
    returned: Condvar,
}

impl Calls {
    /// This thread is about to call the listener.
    pub(super) fn begin(&self, listener: u64) {
        self.lock().insert(listener, std::thread::current().id());
    }

    /// Its callback has returned, and no reference to it is left here.
    pub(super) fn end(&self, listener: u64) {
        self.lock().remove(&listener);
        self.returned.notify_all();
    }

    /// Waits until the listener is not being called, or it is this thread that calls it. False after `timeout`.
    pub(super) fn wait_until_returned(&self, listener: u64, timeout: Duration) -> bool {
        let deadline = entrakey_sys::clock::boot().saturating_add(timeout);
        let here = std::thread::current().id();
        let mut running = self.lock();
        while running.get(&listener).is_some_and(|thread| *thread != here) {
            let left = deadline.saturating_sub(entrakey_sys::clock::boot());
            if left.is_zero() {
                return false;
            }
            running = self.returned.wait_timeout(running, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, ThreadId>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
