//! Threads that a host does not notice: named, deaf to its signals, and not cancelled in the middle of our code.

use std::io;
use std::thread::{Builder, JoinHandle};

/// The stack size that std gives a thread by default.
const STACK_BYTES: usize = 2 * 1024 * 1024;

/// Starts a thread that blocks every signal, so that a handler of the host's never runs on it and a
/// `sigwait` elsewhere sees all of them. `name` shows in debuggers; the kernel keeps 15 bytes of it.
///
/// # Errors
/// What the operating system says when it will not give another thread.
pub fn spawn<F>(name: &str, body: F) -> io::Result<JoinHandle<()>>
where
    F: FnOnce() + Send + 'static,
{
    let _blocked = SignalsBlocked::new(); // a new thread inherits its creator's mask
    // Without a size std looks for one in the environment, which the host may be changing at this moment.
    Builder::new().name(name.to_owned()).stack_size(STACK_BYTES).spawn(|| {
        let _shield = CancellationHeldOff::new(); // a callback could have given the thread's id to its host
        body();
    })
}

/// Holds off `pthread_cancel` of this thread until dropped; a request that comes meanwhile takes effect at the host's next
/// cancellation point. Without it cancellation would unwind frames of ours, for which the compiler ends the process.
/// It costs about as much as an atomic exchange.
#[must_use = "cancellation is held off as long as this lives"]
pub struct CancellationHeldOff {
    #[cfg(unix)]
    before: i32,
}

#[cfg(unix)]
unsafe extern "C" {
    // POSIX has it; the libc crate declares it for some systems only.
    fn pthread_setcancelstate(state: i32, before: *mut i32) -> i32;
}

/// `PTHREAD_CANCEL_DISABLE` of glibc and musl; the BSDs and macOS say 0.
#[cfg(unix)]
const CANCEL_DISABLE: i32 = if cfg!(target_os = "linux") { 1 } else { 0 };

impl CancellationHeldOff {
    /// Holds cancellation off from this call on.
    #[inline]
    pub fn new() -> Self {
        #[cfg(unix)]
        {
            let mut before = CANCEL_DISABLE;
            // SAFETY: the state is one that the system knows, and `before` is writable.
            unsafe { pthread_setcancelstate(CANCEL_DISABLE, &raw mut before) };
            Self { before }
        }
        #[cfg(not(unix))]
        Self {}
    }
}

impl Default for CancellationHeldOff {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(unix)]
impl Drop for CancellationHeldOff {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the state that this thread had before; NULL is allowed for the state that we do not ask for.
        unsafe { pthread_setcancelstate(self.before, std::ptr::null_mut()) };
    }
}

/// Blocks all signals on this thread until dropped.
#[cfg(unix)]
struct SignalsBlocked {
    before: libc::sigset_t,
}

#[cfg(unix)]
impl SignalsBlocked {
    fn new() -> Self {
        // SAFETY: both sets are plain data, valid when zeroed and filled in by the calls before they are
        // read; SIG_SETMASK with valid pointers cannot fail.
        unsafe {
            let mut all: libc::sigset_t = std::mem::zeroed();
            let mut before: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
            Self { before }
        }
    }
}

#[cfg(unix)]
impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        // SAFETY: `before` was written by the call in `new`, on this same thread.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, std::ptr::null_mut()) };
    }
}

#[cfg(not(unix))]
struct SignalsBlocked;

#[cfg(not(unix))]
impl SignalsBlocked {
    fn new() -> Self {
        Self
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn blocks(signal: libc::c_int) -> bool {
        // SAFETY: `mask` is written by pthread_sigmask before it is read.
        unsafe {
            let mut mask: libc::sigset_t = std::mem::zeroed();
            libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &raw mut mask);
            libc::sigismember(&raw const mask, signal) == 1
        }
    }

    #[test]
    fn the_thread_blocks_signals_and_its_creator_does_not() {
        let before = blocks(libc::SIGTERM);
        let inside = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let seen = inside.clone();
        let body = move || seen.store(blocks(libc::SIGTERM), std::sync::atomic::Ordering::Release);
        spawn("entrakey-test", body).unwrap().join().unwrap();
        assert!(inside.load(std::sync::atomic::Ordering::Acquire));
        assert_eq!(blocks(libc::SIGTERM), before);
    }
}
