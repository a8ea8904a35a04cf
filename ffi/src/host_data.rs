//! What a host hands over with a callback, and gets back once.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};

/// Is called with user_data after the last call of its callback, on any thread, perhaps one of the host's own that is
/// in a function of this library: at most once, and exactly once unless the process exits before or this is a forked
/// child of the process that handed user_data over. Nothing waits for it. The same rules as for a callback: no C++
/// exception and no longjmp may leave it.
pub type EntrakeyFinalize = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// The data of a callback, with what to call when it is needed no more.
pub(crate) struct HostData {
    user_data: *mut c_void,
    finalize: EntrakeyFinalize,
    /// A forked child has the parent's data, which is the parent's to finalize.
    process: u32,
    disarmed: AtomicBool,
}

// SAFETY: the header demands of user_data that it may be used from any thread; nothing here looks at what it points to.
unsafe impl Send for HostData {}
// SAFETY: as above; finalize comes after the last call.
unsafe impl Sync for HostData {}

impl HostData {
    pub(crate) fn new(user_data: *mut c_void, finalize: EntrakeyFinalize) -> Self {
        Self { user_data, finalize, process: std::process::id(), disarmed: AtomicBool::new(false) }
    }

    pub(crate) fn user_data(&self) -> *mut c_void {
        self.user_data
    }

    /// The registration has failed: user_data is the host's as before.
    pub(crate) fn disarm(&self) {
        self.disarmed.store(true, Ordering::SeqCst);
    }
}

impl Drop for HostData {
    fn drop(&mut self) {
        let is_ours = self.process == std::process::id() && !*self.disarmed.get_mut();
        if let Some(finalize) = self.finalize.filter(|_| is_ours) {
            // SAFETY: the host's own function with its own data; dropped once, after the last call.
            unsafe { finalize(self.user_data) };
        }
    }
}
