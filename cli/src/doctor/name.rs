//! The name, its addresses, and the private endpoint's zone.

use super::finding::{Cause, Finding};
use super::resolver::Resolver;
use super::subject::Subject;
use crate::family::private_name;
use std::net::IpAddr;

pub(super) const STEP: &str = "name";

pub(super) struct Evidence {
    pub(super) found: Result<Vec<IpAddr>, String>,
    pub(super) is_given: bool,
    /// Those of the name in the private endpoint's zone: none without a private endpoint.
    pub(super) private: Vec<IpAddr>,
}

/// Looks the private name up; nobody connects to it. Whoever gives an address for the host gives that one too, or there is
/// none.
pub(super) fn gather(resolver: &Resolver, host: &str) -> Evidence {
    let is_given = resolver.is_given(host);
    let private = private_name(host).filter(|(name, _)| !is_given || resolver.is_given(name));
    let private = private.and_then(|(name, _)| resolver.look_up(&name).ok());
    Evidence { found: resolver.look_up(host), is_given, private: private.unwrap_or_default() }
}

/// `is_reached`: whether one of the addresses took a connection.
pub(super) fn diagnose(evidence: &Evidence, is_reached: bool, subject: &Subject) -> Finding {
    let addresses = match &evidence.found {
        Ok(addresses) => addresses,
        Err(reason) => {
            let text = format!(
                "The name {} has no address ({reason}): check its spelling and the DNS of this machine.",
                subject.host
            );
            let look = format!("getent hosts {}", subject.host);
            return Finding::problem(STEP, [Cause::new("name_unknown", text).mended_by([look])]);
        }
    };
    let list = |addresses: &[IpAddr]| addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ");
    let source = if evidence.is_given { " (--resolve)" } else { "" };
    let seen = format!("{} is {}{source}", subject.host, list(addresses));
    let is_unlinked = !evidence.private.is_empty() && addresses.iter().all(|address| is_public(*address));
    let finding = match (is_unlinked, is_reached) {
        (false, _) => return Finding::ok(STEP).seen([seen]),
        (true, false) => Finding::problem(STEP, unlinked(subject)),
        (true, true) => Finding::ok(STEP).noted(unlinked(subject)),
    };
    finding.seen([seen, format!("its name in the private endpoint's zone is {}", list(&evidence.private))])
}

fn unlinked(subject: &Subject) -> Option<Cause> {
    let (_, zone) = private_name(&subject.host)?;
    let text = format!(
        "The cache has a private endpoint, and its name leads to a public address here: the zone {zone} is not \
         linked to this network, or has no record of the endpoint."
    );
    let group = subject.group();
    Some(Cause::new("zone_unlinked", text).mended_by([
        format!(
            "az network private-endpoint dns-zone-group create -g {group} --endpoint-name ENDPOINT -n default \
             --private-dns-zone {zone} --zone-name redis"
        ),
        format!(
            "az network private-dns link vnet create -g {group} -n LINK --zone-name {zone} --virtual-network VNET \
             --registration-enabled false"
        ),
    ]))
}

/// Whether the address is one of the internet's.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => {
            let is_shared = ip.octets()[0] == 100 && (64..128).contains(&ip.octets()[1]); // RFC 6598
            !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified() || is_shared)
        }
        IpAddr::V6(ip) => {
            !(ip.is_loopback() || ip.is_unicast_link_local() || ip.is_unique_local() || ip.is_unspecified())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;
    use crate::doctor::subject::for_tests;

    #[test]
    fn an_unlinked_zone_is_told_where_there_is_a_private_endpoint_and_a_public_address() {
        let subject = for_tests("c.westeurope.redis.azure.net");
        let public: IpAddr = "203.0.113.7".parse().unwrap();
        let private: IpAddr = "10.1.2.3".parse().unwrap();
        for (found, endpoint, reached, verdict, notes) in [
            (public, None, true, Verdict::Ok, 0),
            (public, None, false, Verdict::Ok, 0),
            (public, Some(public), false, Verdict::Problem, 0),
            (public, Some(public), true, Verdict::Ok, 1),
            (private, Some(private), false, Verdict::Ok, 0),
        ] {
            let evidence =
                Evidence { found: Ok(vec![found]), is_given: false, private: endpoint.into_iter().collect() };
            let finding = diagnose(&evidence, reached, &subject);
            assert_eq!(
                (finding.verdict, finding.notes.len()),
                (verdict, notes),
                "{found} {endpoint:?} {reached}"
            );
        }
        let unknown = Evidence { found: Err("no such host".to_owned()), is_given: false, private: vec![] };
        assert_eq!(diagnose(&unknown, false, &subject).causes[0].id, "name_unknown");
    }
}
