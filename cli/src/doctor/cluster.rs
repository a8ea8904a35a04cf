//! The cluster policy, and the addresses that nodes announce.

use super::connection::{Connection, refusal, tcp};
use super::finding::{Cause, Finding};
use super::permissions::absent_key;
use super::resolver::Resolver;
use super::subject::Subject;
use super::tls::{Fault, failed};
use super::way::Way;
use clap::ValueEnum;
use entrakey_core::Refusal;
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
    /// How many more nodes were announced and not looked at.
    pub(super) unseen: usize,
    /// Whether the access policy forbids CLUSTER SLOTS.
    pub(super) is_forbidden: bool,
}

/// Looked at: each may take up to two time-outs.
const MOST_NODES: usize = 8;

/// So many keys that nobody has are asked for: on two nodes the chance that all are of the one that was asked is 1 in 65,536.
const MOST_KEYS: usize = 16;

/// `prefix`: what keys have to begin with, for a policy that permits some only.
pub(super) fn gather(way: &mut Way, resolver: &Resolver, prefix: Option<&str>) -> io::Result<Evidence> {
    let slots = slots(way)?;
    let is_forbidden = matches!(slots, Slots::Forbidden);
    let prefix = prefix.unwrap_or_default();
    let (policy, announced) = match slots {
        Slots::Nodes(nodes) => (Some(Policy::Oss), nodes),
        Slots::Forbidden => by_moved(&mut way.connection, &way.host, prefix)?,
        Slots::None => (by_union(&mut way.connection, prefix)?, Vec::new()),
    };
    let look = |(announced, port)| look_at(announced, port, way.address, &way.tls, resolver);
    let unseen = announced.len().saturating_sub(MOST_NODES);
    let nodes = announced.into_iter().take(MOST_NODES).map(look).collect();
    Ok(Evidence { policy, nodes, unseen, is_forbidden })
}

/// What CLUSTER SLOTS tells.
pub(crate) enum Slots {
    /// The masters, each once: what they announce.
    Nodes(Announced),
    /// The access policy forbids it.
    Forbidden,
    /// There are none: it is refused.
    None,
}

pub(crate) fn slots(way: &mut Way) -> io::Result<Slots> {
    let answer = way.connection.ask(&["CLUSTER", "SLOTS"])?;
    Ok(match &answer {
        OwnedFrame::Array(ranges) => Slots::Nodes(announced(ranges, &way.host)),
        _ if refusal(&answer).and_then(Refusal::read) == Some(Refusal::Permission) => Slots::Forbidden,
        _ => Slots::None,
    })
}

/// Two keys that nobody has, in two slots: their union reads nothing.
fn by_union(connection: &mut Connection, prefix: &str) -> io::Result<Option<Policy>> {
    let (one, other) = (absent_key(&format!("{prefix}{{a}}")), absent_key(&format!("{prefix}{{b}}")));
    Ok(match connection.ask(&["SUNION", &one, &other])? {
        OwnedFrame::Array(_) => Some(Policy::NonClustered),
        OwnedFrame::Error(error) if error.starts_with("CROSSSLOT") => Some(Policy::Enterprise),
        _ => None,
    })
}

/// Hosts and ports.
pub(crate) type Announced = Vec<(String, u16)>;

/// Where CLUSTER is forbidden: CROSSSLOT is what a node of the OSS policy answers as well as the one endpoint of the
/// Enterprise policy, and only MOVED tells the two apart.
fn by_moved(
    connection: &mut Connection,
    host: &str,
    prefix: &str,
) -> io::Result<(Option<Policy>, Announced)> {
    let mut nodes = Announced::new();
    for _ in 0..MOST_KEYS {
        let answer = connection.ask(&["GET", &absent_key(prefix)])?;
        if let Some(node) = refusal(&answer).and_then(|said| moved_to(said, host)) {
            add(&mut nodes, node);
        }
    }
    if !nodes.is_empty() {
        return Ok((Some(Policy::Oss), nodes));
    }
    let policy = by_union(connection, prefix)?;
    Ok((policy.filter(|policy| *policy == Policy::NonClustered), nodes))
}

/// The node that `MOVED 3999 10.0.0.4:8500` names; without a host it is at the one that was asked.
fn moved_to(said: &str, asked: &str) -> Option<(String, u16)> {
    let (host, port) = said.strip_prefix("MOVED ")?.split_once(' ')?.1.rsplit_once(':')?;
    let host = if host.is_empty() { asked } else { host };
    Some((host.to_owned(), port.parse().ok()?))
}

fn add(nodes: &mut Announced, node: (String, u16)) {
    if !nodes.contains(&node) {
        nodes.push(node);
    }
}

/// The masters of `CLUSTER SLOTS`, each once. One without a host is at the one that was asked.
fn announced(ranges: &[OwnedFrame], asked: &str) -> Announced {
    let mut nodes = Announced::new();
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
        add(&mut nodes, (host, port));
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
    let direct = at_name(&announced, port, config, resolver);
    Node { announced, port, direct, is_mapped_reached }
}

/// At the first of the name's addresses that takes a connection.
fn at_name(name: &str, port: u16, config: &Arc<ClientConfig>, resolver: &Resolver) -> Result<(), Direct> {
    let mut outcome = Err(Direct::Unreachable("it has no address".to_owned()));
    for ip in resolver.look_up(name).map_err(Direct::Unreachable)? {
        outcome = at_address(SocketAddr::new(ip, port), name, config);
        if !matches!(outcome, Err(Direct::Unreachable(_))) {
            break;
        }
    }
    outcome
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
    let Some(policy) = evidence.policy else { return of_unknown(evidence, client, subject) };
    let unseen = (evidence.unseen > 0).then(|| format!("{} more nodes were not looked at", evidence.unseen));
    let seen = [format!("cluster policy: {}", policy.name())]
        .into_iter()
        .chain(evidence.nodes.iter().map(Node::told))
        .chain(unseen);
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

fn of_unknown(evidence: &Evidence, client: Option<Client>, subject: &Subject) -> Finding {
    if !evidence.is_forbidden {
        return Finding::undetermined(STEP, "the answers to CLUSTER SLOTS and SUNION do not tell the policy");
    }
    let why = "the access policy forbids CLUSTER SLOTS, and no other answer tells which cluster policy it is";
    let forbidden = forbidden(subject);
    match is_for_clusters(client) {
        true => Finding::problem(STEP, [forbidden]).seen([why.to_owned()]),
        false => Finding::undetermined(STEP, why).noted((client.is_none()).then_some(forbidden)),
    }
}

fn is_for_clusters(client: Option<Client>) -> bool {
    matches!(client, Some(Client::Cluster | Client::Mapped))
}

fn forbidden(subject: &Subject) -> Cause {
    let text = "The access policy forbids CLUSTER SLOTS (NOPERM), by which a client for clusters finds the nodes: add \
                +cluster to its access string.";
    Cause::new("cluster_forbidden", text).mended_by(subject.widen("ACCESS_STRING +cluster"))
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
    let forbidden = evidence.is_forbidden.then(|| forbidden(subject));
    let mut causes: Causes = closed_port(evidence, client).into_iter().collect();
    let unmapped = unmapped(evidence, subject);
    match client {
        Some(Client::Single) => causes.push(moved()),
        Some(Client::Cluster) => causes.extend(forbidden.into_iter().chain(unmapped)),
        Some(Client::Mapped) => causes.extend(forbidden),
        None => return (causes, forbidden.into_iter().chain(unmapped).chain([moved()]).collect()),
    }
    (causes, Vec::new())
}

/// A node that the program cannot reach, whichever address it takes.
fn closed_port(evidence: &Evidence, client: Option<Client>) -> Option<Cause> {
    let cannot_be_had = |node: &&Node| match client {
        _ if node.is_mapped_reached => false,
        Some(Client::Mapped) => true,
        _ => matches!(node.direct, Err(Direct::Unreachable(_))),
    };
    let node = evidence.nodes.iter().find(cannot_be_had)?;
    let text = format!(
        "The port {} of a node cannot be reached at the public name: open the ports of the nodes (85xx of Azure Managed \
         Redis, 15000 and on of Azure Cache for Redis).",
        node.port
    );
    Some(Cause::new("node_ports_closed", text))
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
    let name = match policy {
        Policy::NonClustered => "it is not clustered",
        _ => "the Enterprise cluster policy",
    };
    let text = format!(
        "The cache has one endpoint ({name}), and the program's client is one for clusters, whose CLUSTER SLOTS it refuses: \
         use an ordinary client."
    );
    is_for_clusters(client).then(|| Cause::new("no_cluster", text)).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;
    use crate::doctor::subject::for_tests;

    fn oss(direct: impl Fn() -> Result<(), Direct>, is_mapped_reached: bool) -> Evidence {
        let node =
            |port| Node { announced: "10.0.0.4".to_owned(), port, direct: direct(), is_mapped_reached };
        Evidence {
            policy: Some(Policy::Oss),
            nodes: vec![node(8500), node(8501)],
            unseen: 0,
            is_forbidden: false,
        }
    }

    #[test]
    fn a_redirection_names_the_node_and_nothing_else_does() {
        let node = |host: &str, port| Some((host.to_owned(), port));
        for (said, found) in [
            ("MOVED 3999 10.0.0.4:8500", node("10.0.0.4", 8500)),
            ("MOVED 3999 fd00::4:8500", node("fd00::4", 8500)),
            ("MOVED 3999 :8501", node("c.example", 8501)),
            ("NOPERM User x has no permissions to run the 'get' command", None),
            ("CROSSSLOT Keys in request don't hash to the same slot", None),
            ("MOVED 3999", None),
        ] {
            assert_eq!(moved_to(said, "c.example"), found, "{said}");
        }
    }

    #[test]
    fn where_cluster_is_forbidden_whoever_needs_it_has_a_problem_and_nothing_is_guessed() {
        let unknown = || Evidence { policy: None, nodes: Vec::new(), unseen: 0, is_forbidden: true };
        let oss = || Evidence { is_forbidden: true, ..oss(|| Ok(()), true) };
        let ids = |causes: &[Cause]| causes.iter().map(|cause| cause.id).collect::<Vec<_>>();
        let forbidden = || vec!["cluster_forbidden"];
        for (evidence, client, verdict, causes, notes) in [
            (unknown(), None, Verdict::NotDetermined, vec![], forbidden()),
            (unknown(), Some(Client::Single), Verdict::NotDetermined, vec![], vec![]),
            (unknown(), Some(Client::Cluster), Verdict::Problem, forbidden(), vec![]),
            (oss(), None, Verdict::Ok, vec![], vec!["cluster_forbidden", "cluster_client_needed"]),
            (oss(), Some(Client::Mapped), Verdict::Problem, forbidden(), vec![]),
        ] {
            let finding = diagnose(&evidence, client, &for_tests("c.westeurope.redis.azure.net"));
            let found = (finding.verdict, ids(&finding.causes), ids(&finding.notes));
            assert_eq!(found, (verdict, causes, notes), "{client:?}");
        }
    }

    #[test]
    fn policy_addresses_and_client_have_to_fit() {
        let unreachable = || Err(Direct::Unreachable("no route".to_owned()));
        let misnamed = || Err(Direct::NameMismatch);
        let one =
            |policy| Evidence { policy: Some(policy), nodes: Vec::new(), unseen: 0, is_forbidden: false };
        for (evidence, client, causes, notes) in [
            (oss(unreachable, true), None, vec![], vec!["nodes_unmapped", "cluster_client_needed"]),
            (oss(unreachable, true), Some(Client::Mapped), vec![], vec![]),
            (oss(unreachable, true), Some(Client::Cluster), vec!["nodes_unmapped"], vec![]),
            (oss(misnamed, true), Some(Client::Cluster), vec!["node_name_mismatch"], vec![]),
            (oss(|| Ok(()), true), Some(Client::Cluster), vec![], vec![]),
            (oss(|| Ok(()), false), Some(Client::Cluster), vec![], vec![]),
            (oss(|| Ok(()), false), Some(Client::Mapped), vec!["node_ports_closed"], vec![]),
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
