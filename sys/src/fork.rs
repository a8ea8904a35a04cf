//! Telling a forked child from its parent without a system call.
//!
//! After a fork only the calling thread exists in the child, and any lock that another thread held stays
//! held for ever. So whatever was built before must be recognised and set aside: state remembers the
//! generation it was made in, and a child sees a different one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

static GENERATION: AtomicU64 = AtomicU64::new(0);
static WATCHING: AtomicBool = AtomicBool::new(false);

/// Starts counting forks. Call it before the first [`generation`] that is remembered.
///
/// Two threads that race here may both register; a fork then counts as two, which is as good as one.
pub fn watch() {
    if WATCHING.load(Ordering::Acquire) {
        return;
    }
    #[cfg(unix)]
    {
        extern "C" fn in_child() {
            GENERATION.fetch_add(1, Ordering::Release);
        }
        // SAFETY: the handler is a plain function that lives as long as the process (see `unload`) and touches one atomic, which is allowed between fork and exec.
        let failed = unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
        if failed != 0 {
            return; // out of memory: the next provider tries again
        }
    }
    WATCHING.store(true, Ordering::Release);
}

/// How many forks lie between the first process and this one. One relaxed load.
#[must_use]
#[inline]
pub fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_child_sees_another_generation_and_the_parent_does_not() {
        watch();
        let before = generation();
        // SAFETY: the child calls only `generation` and `_exit`, both async-signal-safe.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            let changed = generation() != before;
            // SAFETY: ends the child without running the test harness's destructors.
            unsafe { libc::_exit(i32::from(!changed)) };
        }
        let mut status = 0;
        // SAFETY: `status` is writable and `pid` is our own child.
        let reaped = unsafe { libc::waitpid(pid, &raw mut status, 0) };
        assert_eq!((reaped, status), (pid, 0), "the child saw the parent's generation");
        assert_eq!(generation(), before);
    }
}
