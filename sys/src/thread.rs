//! Threads that a host does not notice: named, and deaf to its signals.

use std::io;
use std::thread::{Builder, JoinHandle};

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
    Builder::new().name(name.to_owned()).spawn(body)
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
