//! Sockets that systemd has opened: a unit `.socket` (`ListenStream=`, `SocketMode=`, `SocketGroup=`).

use std::io::{Error, ErrorKind, Result};
use tokio::net::{TcpListener, UnixListener};

/// A socket that was handed over.
#[derive(Debug)]
pub enum Activated {
    /// A TCP port.
    Tcp(TcpListener),
    /// A Unix socket. Its file is systemd's.
    Unix(UnixListener),
}

/// The sockets that were handed to this process, and no other (`LISTEN_PID`), in the unit's order; none if it was started
/// otherwise. At the first call only: it takes them. Takes the variables away too, so call it before any thread is started
/// that reads the environment.
///
/// # Errors
/// One of them is no stream socket that listens.
pub fn activated() -> Result<Vec<Activated>> {
    let mut handed = listenfd::ListenFd::from_env();
    (0..handed.len()).map(|number| take(&mut handed, number)).collect()
}

fn take(handed: &mut listenfd::ListenFd, number: usize) -> Result<Activated> {
    if let Ok(Some(listener)) = handed.take_unix_listener(number) {
        listener.set_nonblocking(true)?;
        return UnixListener::from_std(listener).map(Activated::Unix);
    }
    if let Ok(Some(listener)) = handed.take_tcp_listener(number) {
        listener.set_nonblocking(true)?;
        return TcpListener::from_std(listener).map(Activated::Tcp);
    }
    let said =
        format!("socket {number} of the .socket unit is not one that listens for streams: use ListenStream=");
    Err(Error::new(ErrorKind::InvalidInput, said))
}
