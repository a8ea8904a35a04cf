//! Which listeners are being called, and on which threads. `unsubscribe` must not go on while its listener is called.
//!
//! The list has its own lock, so that waiting here holds up nothing that the engine does.

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

    /// The listener's callback has returned, and this thread holds no reference to it any more.
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

#[cfg(test)]
mod tests {
    use super::*;

    const AT_ONCE: Duration = Duration::ZERO;
    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn whoever_removes_a_listener_waits_for_its_call_but_not_for_others_and_not_inside_it() {
        let calls = Calls::default();
        assert!(calls.wait_until_returned(1, AT_ONCE), "it is not being called");
        calls.begin(1);
        assert!(calls.wait_until_returned(1, AT_ONCE), "it is removed inside its own call");
        std::thread::scope(|scope| {
            let elsewhere = |id, timeout| {
                scope.spawn({
                    let calls = &calls;
                    move || calls.wait_until_returned(id, timeout)
                })
            };
            let wait = |id, timeout| elsewhere(id, timeout).join().unwrap();
            assert!(!wait(1, AT_ONCE), "its call is under way");
            assert!(wait(2, AT_ONCE), "another's is not");
            let waiting = elsewhere(1, LONG);
            calls.end(1);
            assert!(waiting.join().unwrap());
            assert!(wait(1, AT_ONCE), "it has returned");
        });
    }
}
