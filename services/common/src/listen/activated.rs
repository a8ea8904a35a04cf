//! Sockets that systemd has opened: a unit `.socket` (`ListenStream=`, `SocketMode=`, `SocketGroup=`).

use std::io::{Error, ErrorKind, Result};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;

/// A socket that was handed over; it does not block.
#[derive(Debug)]
pub enum Activated {
    /// A TCP port.
    Tcp(TcpListener),
    /// A Unix socket. Its file is systemd's.
    Unix(UnixListener),
}

/// The sockets that were handed to this process, and no other (`LISTEN_PID`), in the unit's order; none if it was started
/// otherwise. At the first call only: it takes them. It takes the variables away too, so call it before any thread is
/// started.
///
/// # Errors
/// One of them is no stream socket that listens.
pub fn activated() -> Result<Vec<Activated>> {
    // Without this variable listenfd takes them all the same: they may be the parent's.
    if std::env::var("LISTEN_PID").ok().and_then(|id| id.parse().ok()) != Some(std::process::id()) {
        return Ok(Vec::new());
    }
    let mut handed = listenfd::ListenFd::from_env();
    (0..handed.len()).map(|number| take(&mut handed, number)).collect()
}

fn take(handed: &mut listenfd::ListenFd, number: usize) -> Result<Activated> {
    if let Ok(Some(listener)) = handed.take_unix_listener(number) {
        listener.set_nonblocking(true)?;
        return Ok(Activated::Unix(listener));
    }
    if let Ok(Some(listener)) = handed.take_tcp_listener(number) {
        listener.set_nonblocking(true)?;
        return Ok(Activated::Tcp(listener));
    }
    let said =
        format!("socket {number} of the .socket unit is not one that listens for streams: use ListenStream=");
    Err(Error::new(ErrorKind::InvalidInput, said))
}
