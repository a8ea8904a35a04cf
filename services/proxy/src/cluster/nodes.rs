//! The nodes' local ports. Each listens before anybody hears of it, for the life of the process: a node that has left
//! keeps its port, and whoever connects there is turned away.

use super::rewrite_moved::{Redirection, redirection, rewrite_moved};
use super::rewrite_shards::Tls;
use super::view::View;
use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A cluster has 1,000 at most; fail-overs may bring new ports.
const MOST: usize = 4096;

/// A node that nobody had heard of.
#[derive(Debug)]
pub struct Node {
    /// The server's port of it.
    pub port: u16,
    /// It listens already, does not block, and clients may be waiting.
    pub listener: TcpListener,
}

/// What is opened for nodes, to be served with [`crate::Proxy::node`].
pub type NodeListeners = UnboundedReceiver<Node>;

/// The local ports of one upstream's nodes. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Nodes(Arc<Inner>);

struct Inner {
    /// The address that they listen on; without one, clients have a Unix socket alone.
    listen_on: OnceLock<IpAddr>,
    clients_have_tls: bool,
    /// The local port by that of the server.
    ports: Mutex<HashMap<u16, u16>>,
    opened: UnboundedSender<Node>,
}

impl Nodes {
    /// None yet, and no address to listen on. Whoever has the receiver serves what comes out of it.
    #[must_use]
    pub fn new(clients_have_tls: bool) -> (Self, NodeListeners) {
        let (opened, listeners) = unbounded_channel();
        let inner = Inner { listen_on: OnceLock::new(), clients_have_tls, ports: Mutex::default(), opened };
        (Self(Arc::new(inner)), listeners)
    }

    /// Each node listens on a free port of this address: of the one that clients connect to.
    pub fn listen_on(&self, address: IpAddr) {
        let _ = self.0.listen_on.set(address); // the first one stays
    }

    /// Whether a node can have a port.
    #[must_use]
    pub fn have_address(&self) -> bool {
        self.0.listen_on.get().is_some()
    }

    /// As if these listened: pairs of the server's port and the local one.
    #[cfg(test)]
    pub(super) fn know(&self, ports: &[(u16, u16)]) {
        self.0.ports.lock().unwrap_or_else(PoisonError::into_inner).extend(ports.iter().copied());
    }

    fn local_port(&self, port: u16, listen_on: IpAddr) -> Result<u16, String> {
        let mut ports = self.0.ports.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(local) = ports.get(&port) {
            return Ok(*local);
        }
        if ports.len() >= MOST {
            return Err(format!("the server has named more than {MOST} nodes, each with a port of its own"));
        }
        let failed = |error| {
            format!("no port of {listen_on} can be listened on for the server's node {port}: {error}")
        };
        let listener = open(listen_on).map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?.port();
        let gone = |_| "it is ending".to_owned();
        self.0.opened.send(Node { port, listener }).map_err(gone)?;
        ports.insert(port, local);
        Ok(local)
    }
}

fn open(address: IpAddr) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind((address, 0))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

impl fmt::Debug for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Nodes(on {:?})", self.0.listen_on.get())
    }
}

/// The nodes, as one client is told of them.
pub(crate) struct Announced {
    nodes: Nodes,
    /// The address by which the client has come.
    reached: Option<IpAddr>,
    upstream_has_tls: bool,
}

/// What clients of a Unix socket hear.
const NO_ADDRESS: &str = "this Redis has the OSS cluster policy: its nodes need a port each, and the proxy listens on a \
    Unix socket alone; start it with --port or --address too, or give the Redis the Enterprise policy";

impl Announced {
    pub(crate) fn new(nodes: Nodes, reached: Option<IpAddr>, upstream_has_tls: bool) -> Self {
        Self { nodes, reached, upstream_has_tls }
    }

    /// Where the client finds the node of this port, which listens from now on.
    fn place(&self, port: u16) -> Result<SocketAddr, String> {
        if port == 0 {
            return Err("the server has named a node without a port".to_owned());
        }
        let listen_on = *self.nodes.0.listen_on.get().ok_or(NO_ADDRESS)?;
        let local = self.nodes.local_port(port, listen_on)?;
        // An address that stands for all says nothing to a client: it gets the one by which it has come.
        let announced = match listen_on.is_unspecified() {
            true => self.reached.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            false => listen_on,
        };
        Ok(SocketAddr::new(announced.to_canonical(), local))
    }

    /// The redirection that this reply is, with the local port, and its length in what came.
    pub(crate) fn redirected(&self, rest: &[u8]) -> Option<(usize, Vec<u8>)> {
        match redirection(rest) {
            Redirection::To { line, port } => {
                Some((line.len(), rewrite_moved(line, port, &|port| self.place(port))))
            }
            Redirection::None | Redirection::Incomplete => None,
        }
    }

    /// A whole answer about the nodes, with local ports.
    pub(crate) fn rewritten(&self, view: View, reply: &[u8]) -> Vec<u8> {
        let tls = Tls { upstream: self.upstream_has_tls, clients: self.nodes.0.clients_have_tls };
        view.rewrite(reply, tls, &|port| self.place(port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    fn announced(nodes: &Nodes, reached: Option<&str>) -> Announced {
        Announced::new(nodes.clone(), reached.map(|ip| ip.parse().unwrap()), true)
    }

    #[test]
    fn a_node_listens_before_anybody_hears_of_it_and_keeps_its_port() {
        let (nodes, mut listeners) = Nodes::new(false);
        nodes.listen_on("127.0.0.1".parse().unwrap());
        let client = announced(&nodes, None);
        let first = client.place(8500).unwrap();
        let _waiting = TcpStream::connect(first).unwrap();
        assert_ne!(client.place(8501).unwrap(), first);
        assert_eq!(announced(&nodes, Some("127.0.0.1")).place(8500).unwrap(), first);
        let opened = [listeners.try_recv().unwrap(), listeners.try_recv().unwrap()];
        assert_eq!(opened.each_ref().map(|node| node.port), [8500, 8501]);
        assert_eq!(opened[0].listener.local_addr().unwrap(), first);
        assert!(listeners.try_recv().is_err(), "one port for each");
    }

    #[test]
    fn the_address_that_is_announced_is_the_one_listened_on_or_the_one_the_client_has_come_by() {
        for (listen_on, reached, expected) in [
            ("127.0.0.1", Some("127.0.0.9"), "127.0.0.1"),
            ("127.0.0.3", None, "127.0.0.3"),
            ("0.0.0.0", Some("127.0.0.9"), "127.0.0.9"),
            ("0.0.0.0", None, "127.0.0.1"),
            ("0.0.0.0", Some("::ffff:127.0.0.7"), "127.0.0.7"),
        ] {
            let (nodes, _listeners) = Nodes::new(false);
            nodes.listen_on(listen_on.parse().unwrap());
            let place = announced(&nodes, reached).place(8500).unwrap();
            assert_eq!(place.ip().to_string(), expected, "{listen_on}, {reached:?}");
        }
    }

    #[test]
    fn with_a_unix_socket_alone_the_client_hears_the_way_out() {
        let (nodes, _listeners) = Nodes::new(false);
        let (_, said) = announced(&nodes, None).redirected(b"-MOVED 1 10.0.0.1:8500\r\n").unwrap();
        assert_eq!(said, format!("-ERR entrakey proxy: {NO_ADDRESS}\r\n").into_bytes());
    }

    #[test]
    fn a_server_that_names_ports_without_end_gets_no_more() {
        let (nodes, listeners) = Nodes::new(false);
        nodes.0.ports.lock().unwrap().extend((1..=4096).map(|port| (port, port)));
        nodes.listen_on("127.0.0.1".parse().unwrap());
        assert!(announced(&nodes, None).place(60_000).unwrap_err().contains("more than 4096 nodes"));
        assert!(listeners.is_empty());
    }
}
