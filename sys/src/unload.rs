//! Keeping this code where it is. The shared library is linked so that it is never unmapped; the static one may be part
//! of a plugin, and to unload that would take the code from under our threads.

#[cfg(target_os = "linux")]
use std::sync::atomic::{AtomicBool, Ordering};

/// Keeps the object that this code is part of mapped for as long as the process lives. Call it before the first thread.
#[cfg(target_os = "linux")]
pub fn prevent() {
    static DONE: AtomicBool = AtomicBool::new(false);
    if DONE.load(Ordering::Acquire) {
        return;
    }
    let here = prevent as *const libc::c_void;
    // SAFETY: plain data, valid when zeroed; dladdr fills it in. The name that it gives belongs to the loader and lives
    // as long as the object, in which this runs. RTLD_NOLOAD: nothing is loaded, no constructor runs.
    unsafe {
        let mut object: libc::Dl_info = std::mem::zeroed();
        if libc::dladdr(here, &raw mut object) != 0 && !object.dli_fname.is_null() {
            // `dlopen` fails for the program itself, which cannot be unloaded.
            libc::dlopen(object.dli_fname, libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE);
        }
    }
    DONE.store(true, Ordering::Release);
}

/// Nothing to do here yet.
#[cfg(not(target_os = "linux"))]
pub fn prevent() {}
