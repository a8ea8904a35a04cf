//! Who has connected, for the log.

use std::fmt;
use std::net::SocketAddr;

/// The client's end of a connection.
#[derive(Clone, Copy)]
pub(super) enum Peer {
    /// By TCP, from this address.
    Tcp(SocketAddr),
    /// By a Unix socket; the user, where the system says who it is.
    Unix { uid: Option<u32> },
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix { uid: Some(uid) } => write!(f, "unix socket (uid {uid})"),
            Self::Unix { uid: None } => f.write_str("unix socket"),
        }
    }
}
