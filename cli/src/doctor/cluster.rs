//! The cluster policy, and the addresses that nodes announce.

use super::connection::{Connection, tcp};
use super::finding::{Cause, Finding};
use super::permissions::absent_key;
use super::resolver::Resolver;
use super::subject::Subject;
use super::tls::{Fault, failed};
use clap::ValueEnum;
use redis_protocol::resp2::types::OwnedFrame;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio_rustls::rustls::ClientConfig;

pub(super) const STEP: &str = "cluster";

/// What the program's client does about clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    /// It knows one endpoint, and follows no MOVED.
    Single,
    /// It connects to the addresses that nodes announce.
    Cluster,
    /// It connects to the ports that nodes announce, at the cache's public name.
    Mapped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    Oss,
    Enterprise,
    NonClustered,
}

/// A node, and whether it can be had.
pub(super) struct Node {
    pub(super) announced: String,
    pub(super) port: u16,
    /// At the address that it announces: no connection, or the certificate names somebody else.
    pub(super) direct: Result<(), Direct>,
    /// At the public name's address and its own port.
    pub(super) is_mapped_reached: bool,
}

pub(super) enum Direct {
    Unreachable(String),
    NameMismatch,
    OtherTls(String),
}

pub(super) struct Evidence {
    /// None if the server's answers do not tell.
    pub(super) policy: Option<Policy>,
    pub(super) nodes: Vec<Node>,
}

/// Each node takes up to two time-outs.
const MOST_NODES: usize = 8;

pub(super) fn gather(
    connection: &mut Connection,
    endpoint: SocketAddr,
    config: &Arc<ClientConfig>,
    host: &str,
    resolver: &Resolver,
) -> io::Result<Evidence> {
    if let OwnedFrame::Array(ranges) = connection.ask(&["CLUSTER", "SLOTS"])? {
        let look = |(announced, port)| look_at(announced, port, endpoint, config, resolver);
        let nodes = announced(&ranges, host).into_iter().map(look);
        return Ok(Evidence { policy: Some(Policy::Oss), nodes: nodes.collect() });
    }
    // Two keys that nobody has, in two slots: their union reads nothing.
    let (one, other) = (absent_key("{a}"), absent_key("{b}"));
    let policy = match connection.ask(&["SUNION", &one, &other])? {
        OwnedFrame::Array(_) => Some(Policy::NonClustered),
        OwnedFrame::Error(error) if error.starts_with("CROSSSLOT") => Some(Policy::Enterprise),
        _ => None,
    };
    Ok(Evidence { policy, nodes: Vec::new() })
}

/// The masters of `CLUSTER SLOTS`, each once. One without a host is at the one that was asked.
fn announced(ranges: &[OwnedFrame], asked: &str) -> Vec<(String, u16)> {
    let mut nodes = Vec::new();
    for range in ranges {
        let OwnedFrame::Array(range) = range else { continue };
        let Some(OwnedFrame::Array(master)) = range.get(2) else { continue };
        let host = match master.first() {
            Some(OwnedFrame::BulkString(host)) if !host.is_empty() => {
                String::from_utf8_lossy(host).into_owned()
            }
            Some(OwnedFrame::BulkString(_) | OwnedFrame::Null) => asked.to_owned(),
            _ => continue,
        };
        let Some(OwnedFrame::Integer(port)) = master.get(1) else { continue };
        let port = u16::try_from(*port).unwrap_or_default();
        if !nodes.contains(&(host.clone(), port)) && nodes.len() < MOST_NODES {
            nodes.push((host, port));
        }
    }
    nodes
}

fn look_at(
    announced: String,
    port: u16,
    endpoint: SocketAddr,
    config: &Arc<ClientConfig>,
    resolver: &Resolver,
) -> Node {
    let is_mapped_reached = tcp(SocketAddr::new(endpoint.ip(), port)).is_ok();
    let found = resolver.look_up(&announced).map_err(Direct::Unreachable);
    let ip = found
        .and_then(|found| found.first().copied().ok_or(Direct::Unreachable("it has no address".to_owned())));
    let direct = ip.and_then(|ip| at_address(SocketAddr::new(ip, port), &announced, config));
    Node { announced, port, direct, is_mapped_reached }
}

fn at_address(address: SocketAddr, name: &str, config: &Arc<ClientConfig>) -> Result<(), Direct> {
    tcp(address).map_err(|error| Direct::Unreachable(error.to_string()))?;
    Connection::open(address, config.clone(), name).map(drop).map_err(|error| {
        let failed = failed(&error, &address.to_string());
        match failed.fault {
            Fault::Name => Direct::NameMismatch,
            _ => Direct::OtherTls(failed.text),
        }
    })
}

pub(super) fn diagnose(evidence: &Evidence, client: Option<Client>, subject: &Subject) -> Finding {
    let Some(policy) = evidence.policy else {
        return Finding::undetermined(STEP, "the answers to CLUSTER SLOTS and SUNION do not tell the policy");
    };
    let seen = [format!("cluster policy: {}", policy.name())]
        .into_iter()
        .chain(evidence.nodes.iter().map(Node::told));
    let (causes, notes) = match policy {
        Policy::Oss => of_oss(evidence, client, subject),
        Policy::Enterprise | Policy::NonClustered => (of_one_endpoint(policy, client), Vec::new()),
    };
    match causes.is_empty() {
        true => Finding::ok(STEP).noted(notes),
        false => Finding::problem(STEP, causes),
    }
    .seen(seen)
}

impl Policy {
    fn name(self) -> &'static str {
        match self {
            Self::Oss => "OSS (nodes of their own, MOVED)",
            Self::Enterprise => "Enterprise (one endpoint)",
            Self::NonClustered => "non-clustered",
        }
    }
}

impl Node {
    fn told(&self) -> String {
        let direct = match &self.direct {
            Ok(()) => "can be reached there".to_owned(),
            Err(Direct::Unreachable(error)) => format!("cannot be reached there ({error})"),
            Err(Direct::NameMismatch) => {
                "can be reached there, and the certificate does not name it".to_owned()
            }
            Err(Direct::OtherTls(text)) => text.clone(),
        };
        let mapped = if self.is_mapped_reached { "can" } else { "cannot" };
        format!(
            "a node announces {}:{}, {direct}; at the public name it {mapped} be",
            self.announced, self.port
        )
    }
}

type Causes = Vec<Cause>;

fn of_oss(evidence: &Evidence, client: Option<Client>, subject: &Subject) -> (Causes, Causes) {
    let mut causes = Vec::new();
    if let Some(node) = evidence.nodes.iter().find(|node| !node.is_mapped_reached) {
        let text = format!(
            "The port {} of a node cannot be reached at the public name either: open the ports of the nodes (85xx of \
             Azure Managed Redis, 15000 and on of Azure Cache for Redis).",
            node.port
        );
        causes.push(Cause::new("node_ports_closed", text));
    }
    let unmapped = unmapped(evidence, subject);
    match client {
        Some(Client::Single) => causes.push(moved()),
        Some(Client::Cluster) => causes.extend(unmapped),
        Some(Client::Mapped) => {}
        None => return (causes, unmapped.into_iter().chain([moved()]).collect()),
    }
    (causes, Vec::new())
}

/// What is wrong with the addresses that nodes announce.
fn unmapped(evidence: &Evidence, subject: &Subject) -> Option<Cause> {
    let node = evidence.nodes.iter().find(|node| node.direct.is_err())?;
    let map = format!(
        "Let the client keep the port and put {} in place of the host (address_remap, nodeAddressMap, natMap, \
         MappingSocketAddressResolver)",
        subject.host
    );
    Some(match &node.direct {
        Err(Direct::NameMismatch) => Cause::new(
            "node_name_mismatch",
            format!(
                "Nodes announce {}, which the certificate does not name. {map}, or verify that name (TLS server name).",
                node.announced
            ),
        ),
        _ => Cause::new(
            "nodes_unmapped",
            format!("Nodes announce {}, which cannot be used from here. {map}.", node.announced),
        ),
    })
}

fn moved() -> Cause {
    let text = "The OSS cluster policy answers MOVED for keys of other nodes: the program needs a client for clusters.";
    Cause::new("cluster_client_needed", text)
}

fn of_one_endpoint(policy: Policy, client: Option<Client>) -> Causes {
    let is_wrong = matches!(client, Some(Client::Cluster | Client::Mapped));
    let text = format!(
        "The cache has one endpoint ({}), and the program's client is one for clusters, whose CLUSTER SLOTS is refused: \
         use an ordinary client.",
        policy.name()
    );
    is_wrong.then(|| Cause::new("no_cluster", text)).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::subject::for_tests;

    fn oss(direct: impl Fn() -> Result<(), Direct>, is_mapped_reached: bool) -> Evidence {
        let node =
            |port| Node { announced: "10.0.0.4".to_owned(), port, direct: direct(), is_mapped_reached };
        Evidence { policy: Some(Policy::Oss), nodes: vec![node(8500), node(8501)] }
    }

    #[test]
    fn policy_addresses_and_client_have_to_fit() {
        let unreachable = || Err(Direct::Unreachable("no route".to_owned()));
        let misnamed = || Err(Direct::NameMismatch);
        let one = |policy| Evidence { policy: Some(policy), nodes: Vec::new() };
        for (evidence, client, causes, notes) in [
            (oss(unreachable, true), None, vec![], vec!["nodes_unmapped", "cluster_client_needed"]),
            (oss(unreachable, true), Some(Client::Mapped), vec![], vec![]),
            (oss(unreachable, true), Some(Client::Cluster), vec!["nodes_unmapped"], vec![]),
            (oss(misnamed, true), Some(Client::Cluster), vec!["node_name_mismatch"], vec![]),
            (oss(|| Ok(()), true), Some(Client::Cluster), vec![], vec![]),
            (oss(unreachable, false), Some(Client::Mapped), vec!["node_ports_closed"], vec![]),
            (oss(unreachable, true), Some(Client::Single), vec!["cluster_client_needed"], vec![]),
            (one(Policy::Enterprise), None, vec![], vec![]),
            (one(Policy::Enterprise), Some(Client::Single), vec![], vec![]),
            (one(Policy::Enterprise), Some(Client::Cluster), vec!["no_cluster"], vec![]),
            (one(Policy::NonClustered), Some(Client::Mapped), vec!["no_cluster"], vec![]),
        ] {
            let finding = diagnose(&evidence, client, &for_tests("c.westeurope.redis.azure.net"));
            let ids = |causes: &[Cause]| causes.iter().map(|cause| cause.id).collect::<Vec<_>>();
            assert_eq!((ids(&finding.causes), ids(&finding.notes)), (causes, notes), "{client:?}");
        }
    }
}
