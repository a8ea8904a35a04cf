//! What a host hands over with a callback, and gets back once.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};

/// Tells the host that user_data is no longer needed. It is called at most once, after the last call of the callback
/// that user_data was registered with. It is not called if the process exits before, and not in a forked child of the
/// process that registered user_data. It runs on any thread, perhaps on one of the host's that is inside a function of
/// this library; the library does not wait for it. No C++ exception and no longjmp may leave it.
pub type EntrakeyFinalize = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// The data of a callback, with what to call when the data is no longer needed.
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
