//! Who is at the other end of a connection.

use crate::access::Client;
use entrakey_service::{Place, Share, Shares};
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Whose connections are counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    /// A user of the Unix socket.
    User(u32),
    /// A client service, by its name: it stays the same when the files are read again.
    Client(String),
}

/// A process on the Unix socket, as the system says who it is. (Its process id is not looked at: by the time that it is,
/// it may be another's.)
#[derive(Clone, Debug)]
pub(crate) struct UnixPeer {
    pub(crate) uid: u32,
    /// Its own one first.
    pub(crate) gids: Arc<[u32]>,
    pub(crate) place: Arc<Place>,
}

/// Somebody on this machine's loopback.
#[derive(Clone, Debug)]
pub(crate) struct TcpPeer {
    pub(crate) from: SocketAddr,
    /// Where it came to.
    pub(crate) listening: SocketAddr,
    pub(crate) place: Arc<Place>,
    /// Whose connection it is, once a secret has been shown.
    pub(crate) share: Arc<Mutex<Option<Share<Holder>>>>,
}

impl TcpPeer {
    /// Counts the connection as this client's, and keeps its place. False if the client has as many as it may have.
    pub(crate) fn belongs_to(&self, client: &Client, shares: &Shares<Holder>) -> bool {
        let mut share = self.share.lock().unwrap_or_else(PoisonError::into_inner);
        let is_its =
            |share: &Share<Holder>| matches!(&share.of, Holder::Client(name) if *name == client.name);
        if !share.as_ref().is_some_and(is_its) {
            let Some(admitted) = shares.admit(Holder::Client(client.name.clone())) else { return false };
            *share = Some(admitted);
            self.place.keep();
        }
        true
    }
}

/// Who asks, for the log and for what is counted of each.
#[derive(Clone, Copy)]
pub(crate) enum Caller<'a> {
    Unix(&'a UnixPeer),
    /// And the client whose secret it has shown.
    Tcp(&'a TcpPeer, Option<&'a Client>),
    /// One whose connection was not even taken.
    User(u32),
    Address(SocketAddr),
}

impl Caller<'_> {
    pub(crate) fn uid(&self) -> Option<u32> {
        match self {
            Self::Unix(peer) => Some(peer.uid),
            Self::User(uid) => Some(*uid),
            Self::Tcp(..) | Self::Address(_) => None,
        }
    }

    /// What a warning about it is counted by: nothing that the client itself can choose.
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::Unix(UnixPeer { uid, .. }) | Self::User(uid) => format!("uid {uid}"),
            Self::Tcp(_, Some(client)) => client.name.clone(),
            Self::Tcp(_, None) | Self::Address(_) => "unknown".to_owned(),
        }
    }
}

impl fmt::Display for Caller<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(UnixPeer { uid, gids, .. }) => {
                write!(f, "uid {uid} gid {}", gids.first().copied().unwrap_or_default())
            }
            Self::User(uid) => write!(f, "uid {uid}"),
            Self::Tcp(TcpPeer { from, .. }, None) | Self::Address(from) => from.fmt(f),
            Self::Tcp(TcpPeer { from, .. }, Some(client)) => write!(f, "{from} ({})", client.name),
        }
    }
}
