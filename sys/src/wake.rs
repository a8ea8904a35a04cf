//! A descriptor that an event loop can wait on until another thread has something for it.

use std::io;
#[cfg(unix)]
use std::io::{PipeReader, PipeWriter, Read as _, Write as _};
#[cfg(unix)]
use std::os::fd::AsRawFd as _;

/// A pipe: readable from [`Wake::signal`] until [`Wake::clear`]; closed on exec, never blocking.
#[derive(Debug)]
pub struct Wake {
    #[cfg(unix)]
    reader: PipeReader,
    #[cfg(unix)]
    writer: PipeWriter,
}

#[cfg(unix)]
impl Wake {
    /// A descriptor that is not readable yet.
    ///
    /// # Errors
    /// What the operating system says when it will not give another descriptor.
    pub fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        for end in [reader.as_raw_fd(), writer.as_raw_fd()] {
            // SAFETY: no memory is involved, and the descriptor is ours.
            if unsafe { libc::fcntl(end, libc::F_SETFL, libc::O_NONBLOCK) } < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(Self { reader, writer })
    }

    /// The descriptor to wait on. Only wait on it: reading from it would take the signal away.
    #[must_use]
    pub fn handle(&self) -> i32 {
        self.reader.as_raw_fd()
    }

    /// Makes the descriptor readable.
    pub fn signal(&self) {
        // The write fails only when the pipe is full, and a full pipe is readable.
        let _ = (&self.writer).write(&[1]);
    }

    /// Makes the descriptor unreadable, after however many signals. Clear first and look for news afterwards:
    /// what comes in between signals anew.
    pub fn clear(&self) {
        let mut bytes = [0; 64];
        while (&self.reader).read(&mut bytes).is_ok_and(|count| count == bytes.len()) {}
    }
}

#[cfg(not(unix))]
impl Wake {
    /// There is no such descriptor here yet.
    ///
    /// # Errors
    /// Always.
    pub fn new() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Never called: there is no descriptor.
    #[must_use]
    pub fn handle(&self) -> i32 {
        -1
    }

    /// Never called: there is no descriptor.
    pub fn signal(&self) {}

    /// Never called: there is no descriptor.
    pub fn clear(&self) {}
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn is_readable(wake: &Wake) -> bool {
        let mut poll = libc::pollfd { fd: wake.handle(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one valid pollfd; the call does not wait.
        unsafe { libc::poll(&raw mut poll, 1, 0) == 1 }
    }

    #[test]
    fn no_program_that_the_host_starts_inherits_it() {
        let wake = Wake::new().unwrap();
        for end in [wake.reader.as_raw_fd(), wake.writer.as_raw_fd()] {
            // SAFETY: no memory is involved, and the descriptor is open.
            assert_eq!(unsafe { libc::fcntl(end, libc::F_GETFD) } & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
        }
    }

    #[test]
    fn it_is_readable_from_a_signal_until_it_is_cleared_and_neither_ever_blocks() {
        let wake = Wake::new().unwrap();
        assert!(!is_readable(&wake));
        wake.clear();
        for signals in [1, 64, 100_000] {
            (0..signals).for_each(|_| wake.signal());
            assert!(is_readable(&wake));
            wake.clear();
            assert!(!is_readable(&wake), "after {signals}");
        }
    }
}
