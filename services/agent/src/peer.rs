//! Who is at the other end of a connection.

use entrakey_service::Place;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

/// A process on the Unix socket, as the system says who it is. (Its process id is not looked at: by the time that it is,
/// it may be another's.)
#[derive(Clone, Debug)]
pub(crate) struct UnixPeer {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) place: Arc<Place>,
}

impl fmt::Display for UnixPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "uid {} gid {}", self.uid, self.gid)
    }
}

/// Somebody on this machine's loopback.
#[derive(Clone, Debug)]
pub(crate) struct TcpPeer {
    pub(crate) from: SocketAddr,
    /// Where it came to.
    pub(crate) listening: SocketAddr,
    pub(crate) place: Arc<Place>,
}
