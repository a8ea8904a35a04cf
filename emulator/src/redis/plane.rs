//! The listeners, and what their connections share.

use super::access::{Permissions, Policies};
use super::access_keys::AccessKeys;
use super::clients::{Clients, DEFAULT_USER};
use super::cluster::{Node, Topology};
use super::connection;
use super::faults::{Faults, Point};
use super::listening::{Bound, Ports, bind, internal};
use super::options::{ClusterPolicy, RedisOptions};
use super::proxy::{self, Backend};
use super::pubsub::Hub;
use crate::Error;
use crate::clock::Clock;
use crate::tenant::Tenant;
use crate::tokens::KeyRing;
use crate::witness::Witness;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// Who has not finished TLS's handshake by then never will.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// One cache, which can be stopped and started again with its data.
pub(crate) struct Plane {
    pub(super) clock: Arc<Clock>,
    /// The keys that are believed.
    pub(super) signing_keys: Arc<KeyRing>,
    pub(super) policies: Policies,
    pub(super) witness: Arc<Witness>,
    pub(crate) options: RedisOptions,
    pub(super) hub: Hub,
    pub(super) clients: Clients,
    pub(super) topology: Topology,
    pub(crate) access_keys: AccessKeys,
    pub(crate) faults: Faults,
    /// A real server that does the work.
    backend: Option<Arc<Backend>>,
    endpoint_port: u16,
    acceptor: TlsAcceptor,
    running: Mutex<Vec<Listening>>,
    /// Goes up when all connections are dropped: one that is still at its handshake is dropped too.
    generation: watch::Sender<u64>,
    /// Goes up when the plane is stopped: a fail-over that is under way does not listen again.
    stops: AtomicU64,
}

/// Accepts connections for a node.
struct Listening {
    port: u16,
    task: JoinHandle<()>,
}

impl Plane {
    /// Starts to answer.
    ///
    /// # Errors
    /// The options contradict one another.
    pub(crate) fn start(
        tenant: &Tenant,
        policies: Policies,
        witness: Arc<Witness>,
        options: RedisOptions,
        acceptor: TlsAcceptor,
        ports: Ports,
        backend: Option<Backend>,
    ) -> Result<Arc<Self>, Error> {
        let node_ports = match ports.nodes.as_slice() {
            [] => vec![ports.endpoint.port],
            nodes => nodes.iter().map(|bound| bound.port).collect(),
        };
        let nodes = (0..).zip(node_ports).map(|(index, port)| Arc::new(Node::new(index, port))).collect();
        let plane = Arc::new(Self {
            clock: tenant.clock.clone(),
            signing_keys: tenant.signing_keys.clone(),
            policies,
            witness,
            hub: Hub::default(),
            clients: Clients::default(),
            topology: Topology::new(nodes, options.announce.clone()),
            access_keys: AccessKeys::new(options.access_keys)?,
            faults: Faults::default(),
            backend: backend.map(Arc::new),
            endpoint_port: ports.endpoint.port,
            options,
            acceptor,
            running: Mutex::default(),
            generation: watch::Sender::new(0),
            stops: AtomicU64::new(0),
        });
        plane.serve(ports);
        Ok(plane)
    }

    /// Who may do what.
    pub(crate) fn policies(&self) -> &Policies {
        &self.policies
    }

    /// Assigns an access policy, also at a server behind the gate.
    ///
    /// # Errors
    /// It is none, in a sentence.
    pub(crate) async fn assign(&self, object_id: &str, policy: &str) -> Result<Arc<Permissions>, String> {
        // A server behind the gate would have it as the name of a user: its own one is not to be replaced.
        if object_id == DEFAULT_USER || !object_id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("{object_id:?} is not an object id"));
        }
        let permissions = Arc::new(Permissions::parse(policy)?);
        if let Some(server) = &self.backend {
            server.assign(object_id, &permissions).await?;
        }
        self.policies.set(object_id, permissions.clone());
        Ok(permissions)
    }

    fn running(&self) -> MutexGuard<'_, Vec<Listening>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The endpoint leads to the first node, which tells the client about the others.
    fn serve(self: &Arc<Self>, ports: Ports) {
        if let Some(first) = self.topology.nodes.first() {
            self.listen(ports.endpoint, first);
        }
        for (bound, node) in ports.nodes.into_iter().zip(&self.topology.nodes) {
            self.listen(bound, node);
        }
    }

    fn listen(self: &Arc<Self>, bound: Bound, node: &Arc<Node>) {
        for listener in bound.listeners {
            let task = tokio::spawn(accept(self.clone(), node.clone(), listener));
            self.running().push(Listening { port: bound.port, task });
        }
    }

    /// Listens again where it did before.
    pub(crate) async fn restart(self: &Arc<Self>) -> io::Result<()> {
        let endpoint = bind(self.endpoint_port, None).await?;
        let mut nodes = Vec::new();
        if self.options.cluster_policy == ClusterPolicy::Oss {
            for node in &self.topology.nodes {
                nodes.push(bind(node.port(), internal(&self.options.announce)).await?);
            }
        }
        self.serve(Ports { endpoint, nodes });
        self.witness.log.note(format_args!("the Redis plane listens again"));
        Ok(())
    }

    /// Closes every listener and connection. The data stays. Once this returns, the ports are free.
    pub(crate) async fn stop(&self) {
        self.stops.fetch_add(1, Ordering::AcqRel);
        if self.close(|_| true).await {
            self.drop_all();
            self.witness.log.note(format_args!("the Redis plane was stopped"));
        }
    }

    /// Closes listeners by their port. False if there were none.
    async fn close(&self, which: impl Fn(u16) -> bool) -> bool {
        let closing: Vec<_> = self.running().extract_if(.., |listening| which(listening.port)).collect();
        for listening in &closing {
            listening.task.abort();
        }
        let any = !closing.is_empty();
        for listening in closing {
            let _ = listening.task.await; // an error says that it was aborted, as it should be
        }
        any
    }

    /// Ends every connection. New ones are taken.
    pub(crate) fn drop_all(&self) -> usize {
        self.generation.send_modify(|generation| *generation += 1);
        self.clients.end(|_| true)
    }

    /// Ends the connections of one user.
    pub(crate) fn drop_user(&self, user: &str) -> usize {
        self.clients.end(|client| client.details().user == user)
    }

    /// Access keys on or off. Either ends every connection, also those that use a token.
    /// <https://learn.microsoft.com/azure/redis/entra-for-authentication#disable-access-key-authentication-on-your-cache>
    pub(crate) fn set_access_keys(&self, enabled: bool) -> usize {
        self.access_keys.set(enabled);
        self.witness.log.note(format_args!("access keys are {}", if enabled { "on" } else { "off" }));
        self.drop_all()
    }

    /// A replica takes over for a node: its connections end and nothing listens for a while. A node of a cluster
    /// is then found at another port, the single endpoint where it was. Goes on if nobody waits for it any more: or
    /// a client that gave up would leave a node that never listens again.
    ///
    /// # Errors
    /// There is no such node, a port cannot be had, or the plane was stopped meanwhile.
    pub(crate) async fn fail_over(self: &Arc<Self>, index: usize, down: Duration) -> Result<(), String> {
        let node = self.topology.nodes.get(index).cloned().ok_or_else(|| {
            format!("there is no node {index}; the first is 0 and there are {}", self.topology.nodes.len())
        })?;
        let plane = self.clone();
        let done = tokio::spawn(async move { plane.take_over(&node, down).await });
        done.await.unwrap_or_else(|_| Err("the emulator is ending".to_owned()))
    }

    async fn take_over(self: &Arc<Self>, node: &Arc<Node>, down: Duration) -> Result<(), String> {
        let _alone = node.failing_over.lock().await;
        let stops = self.stops.load(Ordering::Acquire);
        let port = node.port();
        if !self.close(|listening| listening == port).await {
            return Err("nothing listens: the Redis plane was stopped".to_owned());
        }
        self.clients.end(|client| client.node == node.index);
        self.witness.log.note(format_args!("node {} fails over for {} ms", node.index, down.as_millis()));
        tokio::time::sleep(down).await;
        let (wanted, other) = match self.options.cluster_policy {
            ClusterPolicy::Oss => (0, internal(&self.options.announce)),
            ClusterPolicy::Enterprise => (port, None),
        };
        if self.stops.load(Ordering::Acquire) != stops {
            return Err("the Redis plane was stopped meanwhile".to_owned());
        }
        let bound =
            bind(wanted, other).await.map_err(|error| format!("the node cannot listen again: {error}"))?;
        node.move_to(bound.port);
        self.listen(bound, node);
        Ok(())
    }
}

async fn accept(plane: Arc<Plane>, node: Arc<Node>, listener: TcpListener) {
    loop {
        // An error is the connection's (gone again) or the process's (no descriptors left): the next may do.
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let port = listener.local_addr().map_or(0, |address| address.port());
        let (plane, node) = (plane.clone(), node.clone());
        tokio::spawn(async move {
            let generation = *plane.generation.borrow();
            let _ = stream.set_nodelay(true); // replies are small; without it they only come later
            let Some(stream) = welcome(&plane, stream).await else { return };
            let greeted = timeout(HANDSHAKE, plane.acceptor.accept(stream)).await;
            let Ok(Ok(stream)) = greeted else { return };
            let client = plane.clients.add(peer, port, node.index);
            if *plane.generation.borrow() == generation {
                match &plane.backend {
                    None => connection::run(plane.clone(), node, client.clone(), stream).await,
                    Some(server) => proxy::run(plane.clone(), server.clone(), client.clone(), stream).await,
                }
            }
            plane.clients.remove(client.id);
        });
    }
}

/// Does what was scripted for a new connection. None if nothing comes of it.
async fn welcome(plane: &Plane, mut stream: TcpStream) -> Option<TcpStream> {
    let Some(fault) = plane.faults.next(Point::Connect, "") else { return Some(stream) };
    plane.witness.log.note(format_args!("a scripted fault for a new connection"));
    tokio::time::sleep(fault.delay()).await;
    if fault.stall {
        let mut greeting = [0; 512];
        let held = async { while matches!(stream.read(&mut greeting).await, Ok(1..)) {} };
        let mut dropped = plane.generation.subscribe();
        // Until the client gives up, whatever it says, or all connections are dropped.
        tokio::select! {
            () = held => (),
            _ = dropped.changed() => (),
        }
    }
    if fault.reset {
        let _ = stream.set_zero_linger(); // then closing it sends a reset
    }
    (!fault.reset && !fault.close && !fault.stall).then_some(stream)
}
