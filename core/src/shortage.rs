//! What this process or machine has run out of: neither the configuration's fault nor the other side's.

use std::io;

/// What is lacking and what to do, if that is why a call failed.
pub(crate) fn shortage(error: &io::Error) -> Option<&'static str> {
    match (error.kind(), error.raw_os_error()) {
        #[cfg(unix)]
        (_, Some(23 | 24)) => Some(
            // ENFILE, EMFILE
            "This process or machine has no file descriptors left: look for what holds them, or raise the limit \
             (ulimit -n, LimitNOFILE).",
        ),
        // A thread or process cannot be had. (Of a socket it would be a time-out.)
        (io::ErrorKind::WouldBlock, _) => Some(
            "This process or machine may start no more threads or processes: raise the limit (ulimit -u, TasksMax, \
             pids.max).",
        ),
        (io::ErrorKind::OutOfMemory, _) => Some("This machine is short of memory."),
        #[cfg(target_os = "linux")]
        (_, Some(105)) => Some("This machine is short of memory for connections."), // ENOBUFS on Linux
        _ => None,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_lacking_is_named_and_nothing_else_is_taken_for_it() {
        let says = |number| shortage(&io::Error::from_raw_os_error(number)).unwrap_or("nothing");
        assert!(says(24).contains("descriptors") && says(23).contains("descriptors"));
        assert!(says(11).contains("threads") && says(12).contains("memory") && says(105).contains("memory"));
        for number in [2, 13, 104, 110, 111, 113] {
            assert_eq!(says(number), "nothing");
        }
    }
}
