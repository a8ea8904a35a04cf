//! TCP: whether anybody listens.

use super::connection::tcp;
use super::finding::{Cause, Finding};
use super::subject::Subject;
use crate::family::{CLASSIC_PORT, Family, MANAGED_PORT, PLAIN_PORT};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};

pub(super) const STEP: &str = "tcp";

/// Each address and what came of a connect: nothing, or the error.
pub(super) type Evidence = Vec<(SocketAddr, Option<(ErrorKind, String)>)>;

/// Connects to one address after the other, until one answers.
pub(super) fn gather(addresses: &[IpAddr], port: u16) -> Evidence {
    let mut tried = Vec::new();
    for address in addresses {
        let address = SocketAddr::new(*address, port);
        let failure = tcp(address).err().map(|error| (error.kind(), error.to_string()));
        let is_there = failure.is_none();
        tried.push((address, failure));
        if is_there {
            break;
        }
    }
    tried
}

/// The address that answered.
pub(super) fn reached(evidence: &Evidence) -> Option<SocketAddr> {
    evidence.iter().find(|(_, failure)| failure.is_none()).map(|(address, _)| *address)
}

pub(super) fn diagnose(evidence: &Evidence, subject: &Subject) -> Finding {
    let seen = evidence.iter().map(|(address, failure)| match failure {
        None => format!("{address} takes connections"),
        Some((_, error)) => format!("{address}: {error}"),
    });
    if reached(evidence).is_some() {
        return Finding::ok(STEP).seen(seen);
    }
    let is_refused =
        evidence.iter().any(|(_, failure)| matches!(failure, Some((ErrorKind::ConnectionRefused, _))));
    let cause = if is_refused { nobody_listens(subject) } else { no_way(subject) };
    Finding::problem(STEP, [cause]).seen(seen)
}

fn nobody_listens(subject: &Subject) -> Cause {
    let ports = format!(
        "Azure Managed Redis listens on {MANAGED_PORT}, Azure Cache for Redis on {CLASSIC_PORT} (and without TLS, if \
         that is switched on, on {PLAIN_PORT})."
    );
    let text = format!("Nobody listens on port {} of {}. {ports}", subject.port, subject.host);
    Cause::new("port_closed", text).mended_by([subject.at_its_port()])
}

fn no_way(subject: &Subject) -> Cause {
    let (group, name) = (subject.group(), subject.name());
    let text = format!(
        "There is no way to {subject}: a firewall, a network without a route there, or a private endpoint of another \
         network."
    );
    let rules = match subject.family {
        Family::Classic => vec![format!("az redis firewall-rules list -g {group} -n {name}")],
        _ => vec![format!("az redisenterprise show -g {group} -n {name} --query publicNetworkAccess")],
    };
    Cause::new("unreachable", text).mended_by(rules)
}
