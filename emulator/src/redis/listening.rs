//! Ports: the endpoint's, and one for each node of a cluster.

use super::options::{ClusterPolicy, RedisOptions};
use crate::Error;
use std::io;
use std::net::IpAddr;
use tokio::net::TcpListener;

/// A port on every address that leads to it.
pub(crate) struct BoundPort {
    pub(super) port: u16,
    pub(super) listeners: Vec<TcpListener>,
}

/// What the Redis plane listens on.
pub(crate) struct Ports {
    pub(super) endpoint: BoundPort,
    /// None for the Enterprise policy: its only node is behind the endpoint.
    pub(super) nodes: Vec<BoundPort>,
    /// The one without TLS.
    pub(super) plain: Option<BoundPort>,
}

/// How often a port is looked for that is free on both addresses.
const ATTEMPTS: usize = 50;

impl Ports {
    /// Takes the ports that the options ask for.
    ///
    /// # Errors
    /// A port is taken.
    pub(crate) async fn bind(options: &RedisOptions) -> Result<Self, Error> {
        let refuse = |what: &str, port: u16, error: &io::Error| {
            Error::of_machine(format!(
                "cannot listen on 127.0.0.1:{port} for {what}: {error}. Choose another port, or 0."
            ))
        };
        let port = options.endpoint_port();
        let endpoint = bind(port, None).await.map_err(|error| refuse("--redis-port", port, &error))?;
        let mut nodes = Vec::new();
        if options.cluster_policy == ClusterPolicy::Oss {
            for index in 0..options.nodes.max(1) {
                let port = options.node_port(index);
                let bound = bind(port, internal(&options.announce)).await;
                nodes.push(bound.map_err(|error| refuse("a node of the cluster", port, &error))?);
            }
        }
        let plain = match options.plain_port {
            None => None,
            Some(port) => {
                Some(bind(port, None).await.map_err(|error| refuse("the port without TLS", port, &error))?)
            }
        };
        Ok(Self { endpoint, nodes, plain })
    }

    pub(crate) fn endpoint_port(&self) -> u16 {
        self.endpoint.port
    }
}

/// The address that nodes announce, if it is one of loopback: then they answer there too, and only the
/// certificate shows that it is not the public one.
pub(super) fn internal(announce: &str) -> Option<IpAddr> {
    let address: IpAddr = announce.parse().ok()?;
    (address.is_loopback() && address != IpAddr::from([127, 0, 0, 1])).then_some(address)
}

/// Binds 127.0.0.1 and, on the same port, another address.
pub(super) async fn bind(port: u16, other: Option<IpAddr>) -> io::Result<BoundPort> {
    let mut tries = ATTEMPTS;
    loop {
        let first = TcpListener::bind(("127.0.0.1", port)).await?;
        let bound = first.local_addr()?.port();
        let Some(other) = other else { return Ok(BoundPort { port: bound, listeners: vec![first] }) };
        match TcpListener::bind((other, bound)).await {
            Ok(second) => return Ok(BoundPort { port: bound, listeners: vec![first, second] }),
            // A machine without that address (macOS): the nodes can be reached under their public name only.
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
                return Ok(BoundPort { port: bound, listeners: vec![first] });
            }
            Err(_) if port == 0 && tries > 0 => tries -= 1,
            Err(error) => return Err(error),
        }
    }
}
