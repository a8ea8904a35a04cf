//! The listeners of the cache, which can be stopped and started again.

use super::access::{Permissions, Policies};
use super::access_keys::AccessKeys;
use super::cache::Cache;
use super::clients::{Clients, DEFAULT_USER};
use super::cluster::{Node, Topology};
use super::commands::CATALOGUE;
use super::connection;
use super::faults::{RedisFaultPoint, RedisFaults};
use super::listening::{BoundPort, Ports, bind, internal};
use super::options::{ClusterPolicy, Family, RedisOptions};
use super::plain;
use super::proxy::{self, Backend};
use super::pubsub::Hub;
use crate::Error;
use crate::clock::Clock;
use crate::tokens::KeyRing;
use crate::witness::Witness;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// A client that has not finished TLS's handshake by then never will.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// What a Redis plane is made of.
pub(crate) struct Setup {
    pub(crate) options: RedisOptions,
    pub(crate) clock: Arc<Clock>,
    pub(crate) signing_keys: Arc<KeyRing>,
    pub(crate) policies: Policies,
    pub(crate) witness: Arc<Witness>,
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) ports: Ports,
    /// A real server that does the work.
    pub(crate) backend: Option<Backend>,
}

/// One cache, which can be stopped and started again with its data.
pub(crate) struct Plane {
    pub(crate) cache: Arc<Cache>,
    /// A real server that does the work.
    backend: Option<Arc<Backend>>,
    endpoint_port: u16,
    plain_port: Option<u16>,
    acceptor: TlsAcceptor,
    running: Mutex<Vec<ListenerTask>>,
    /// Goes up when all connections are dropped: one that is still at its handshake is dropped too.
    generation: watch::Sender<u64>,
    /// Goes up when the plane is stopped: a fail-over that is under way does not listen again.
    stops: AtomicU64,
}

/// Accepts connections for a node.
struct ListenerTask {
    port: u16,
    task: JoinHandle<()>,
}

impl Plane {
    /// The policies that are assigned when the cache starts. Each assignment has the identity's name, its object id, and
    /// the policy as it was given.
    ///
    /// # Errors
    /// An identity has an access policy that is none.
    pub(crate) fn policies<'a>(
        assignments: impl Iterator<Item = (&'a str, &'a str, &'a str)>,
    ) -> Result<Policies, Error> {
        let policies = Policies::default();
        for (name, object_id, access) in assignments {
            let permissions = Permissions::parse(access, &CATALOGUE)
                .map_err(|reason| Error::new(format!("the access of '{name}' is '{access}': {reason}")))?;
            policies.set(object_id, Arc::new(permissions));
        }
        Ok(policies)
    }

    /// Starts to answer.
    ///
    /// # Errors
    /// The options contradict one another.
    pub(crate) fn start(setup: Setup) -> Result<Arc<Self>, Error> {
        let Setup { options, clock, signing_keys, policies, witness, acceptor, ports, backend } = setup;
        let node_ports = match ports.nodes.as_slice() {
            [] => vec![ports.endpoint.port],
            nodes => nodes.iter().map(|bound| bound.port).collect(),
        };
        let nodes = (0..).zip(node_ports).map(|(index, port)| Arc::new(Node::new(index, port))).collect();
        let cache = Cache {
            commands: &CATALOGUE,
            clock,
            signing_keys,
            policies,
            access_keys: AccessKeys::new(options.access_keys, &CATALOGUE)?,
            takes_tokens: AtomicBool::new(true),
            faults: RedisFaults::default(),
            witness,
            hub: Hub::default(),
            clients: Clients::new(&CATALOGUE),
            topology: Topology::new(nodes, options.announce.clone()),
            options,
        };
        let plane = Arc::new(Self {
            cache: Arc::new(cache),
            backend: backend.map(Arc::new),
            endpoint_port: ports.endpoint.port,
            plain_port: ports.plain.as_ref().map(|plain| plain.port),
            acceptor,
            running: Mutex::default(),
            generation: watch::Sender::new(0),
            stops: AtomicU64::new(0),
        });
        plane.serve(ports);
        Ok(plane)
    }

    /// Assigns an access policy, also at a server behind the gate.
    ///
    /// # Errors
    /// The text is no access policy; the error is a sentence.
    pub(crate) async fn assign(&self, object_id: &str, policy: &str) -> Result<Arc<Permissions>, String> {
        // A server behind the gate would have it as the name of a user: its own one is not to be replaced.
        if object_id == DEFAULT_USER || !object_id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("{object_id:?} is not an object id"));
        }
        let permissions = Arc::new(Permissions::parse(policy, &CATALOGUE)?);
        if let Some(server) = &self.backend {
            server.assign(object_id, &permissions).await?;
        }
        self.cache.policies.set(object_id, permissions.clone());
        Ok(permissions)
    }

    fn running(&self) -> MutexGuard<'_, Vec<ListenerTask>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The endpoint leads to the first node, which tells the client about the others.
    fn serve(self: &Arc<Self>, ports: Ports) {
        if let Some(first) = self.cache.topology.nodes.first() {
            self.listen(ports.endpoint, first);
        }
        for (bound, node) in ports.nodes.into_iter().zip(&self.cache.topology.nodes) {
            self.listen(bound, node);
        }
        for listener in ports.plain.into_iter().flat_map(|bound| bound.listeners) {
            let port = self.plain_port.unwrap_or_default();
            let task = tokio::spawn(plain::accept(listener));
            self.running().push(ListenerTask { port, task });
        }
    }

    /// The port without TLS.
    pub(super) fn plain_port(&self) -> Option<u16> {
        self.plain_port
    }

    fn listen(self: &Arc<Self>, bound: BoundPort, node: &Arc<Node>) {
        for listener in bound.listeners {
            let task = tokio::spawn(accept(self.clone(), node.clone(), listener));
            self.running().push(ListenerTask { port: bound.port, task });
        }
    }

    /// Listens again where it did before.
    pub(crate) async fn restart(self: &Arc<Self>) -> io::Result<()> {
        let endpoint = bind(self.endpoint_port, None).await?;
        let mut nodes = Vec::new();
        if self.cache.options.cluster_policy == ClusterPolicy::Oss {
            for node in &self.cache.topology.nodes {
                nodes.push(bind(node.port(), internal(&self.cache.options.announce)).await?);
            }
        }
        let plain = match self.plain_port {
            Some(port) => Some(bind(port, None).await?),
            None => None,
        };
        self.serve(Ports { endpoint, nodes, plain });
        self.cache.witness.log.note(format_args!("the Redis plane listens again"));
        Ok(())
    }

    /// Closes every listener and connection. The data stays. Once this returns, the ports are free.
    pub(crate) async fn stop(&self) {
        self.stops.fetch_add(1, Ordering::AcqRel);
        if self.close(|_| true).await {
            self.drop_all();
            self.cache.witness.log.note(format_args!("the Redis plane was stopped"));
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
        self.cache.clients.end(|_| true)
    }

    /// Ends the connections of one user.
    pub(crate) fn drop_user(&self, user: &str) -> usize {
        self.cache.clients.end(|client| client.details().user == user)
    }

    /// Access keys on or off. Either ends every connection, also those that use a token.
    /// <https://learn.microsoft.com/azure/redis/entra-for-authentication#disable-access-key-authentication-on-your-cache>
    pub(crate) fn set_access_keys(&self, enabled: bool) -> usize {
        self.cache.access_keys.set(enabled);
        self.cache.witness.log.note(format_args!("access keys are {}", if enabled { "on" } else { "off" }));
        self.drop_all()
    }

    /// Entra on or off, which reboots the nodes of an Azure Cache for Redis: every connection ends.
    pub(crate) fn set_entra(&self, enabled: bool) -> usize {
        self.cache.takes_tokens.store(enabled, Ordering::Release);
        self.cache.witness.log.note(format_args!("Entra is {}", if enabled { "on" } else { "off" }));
        self.drop_all()
    }

    pub(crate) fn takes_tokens(&self) -> bool {
        self.cache.takes_tokens.load(Ordering::Acquire)
    }

    pub(crate) fn takes_keys(&self) -> bool {
        self.cache.access_keys.current().is_some()
    }

    pub(crate) fn has_plain_port(&self) -> bool {
        self.plain_port.is_some()
    }

    pub(crate) fn family(&self) -> Family {
        self.cache.options.family
    }

    /// How many are connected, and how many of them with a token.
    pub(crate) fn connected(&self) -> (usize, usize) {
        self.cache.clients.counts()
    }

    /// A replica takes over for a node: its connections end and nothing listens for a while. A node of a cluster
    /// is then found at another port, the single endpoint where it was. The fail-over goes on when its caller gives up:
    /// otherwise the node would never listen again.
    ///
    /// # Errors
    /// There is no such node, a port cannot be had, or the plane was stopped meanwhile.
    pub(crate) async fn fail_over(self: &Arc<Self>, index: usize, down: Duration) -> Result<(), String> {
        let node = self.cache.topology.nodes.get(index).cloned().ok_or_else(|| {
            format!(
                "there is no node {index}; the first is 0 and there are {}",
                self.cache.topology.nodes.len()
            )
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
        self.cache.clients.end(|client| client.node == node.index);
        self.cache.witness.log.note(format_args!(
            "node {} fails over for {} ms",
            node.index,
            down.as_millis()
        ));
        tokio::time::sleep(down).await;
        let (wanted, other) = match self.cache.options.cluster_policy {
            ClusterPolicy::Oss => (0, internal(&self.cache.options.announce)),
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
            let client = plane.cache.clients.add(peer, port, node.index);
            if *plane.generation.borrow() == generation {
                match &plane.backend {
                    None => connection::run(plane.cache.clone(), node, client.clone(), stream).await,
                    Some(server) => {
                        proxy::run(plane.cache.clone(), server.clone(), client.clone(), stream).await
                    }
                }
            }
            plane.cache.clients.remove(client.id);
        });
    }
}

/// Does what was scripted for a new connection. None if nothing comes of it.
async fn welcome(plane: &Plane, mut stream: TcpStream) -> Option<TcpStream> {
    let Some(fault) = plane.cache.faults.next(RedisFaultPoint::Connect, "") else { return Some(stream) };
    plane.cache.witness.log.note(format_args!("a scripted fault for a new connection"));
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
