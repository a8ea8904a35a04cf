//! What upstreams are called in metrics and log: by host and port. Two of the same (two identities at one cache) are told apart.

use super::plan::Upstream;
use std::collections::BTreeSet;

/// A name for each, in their order; no two are alike.
pub(super) fn names(upstreams: &[Upstream]) -> Vec<String> {
    let targets: Vec<_> = upstreams.iter().map(|upstream| upstream.target.to_string()).collect();
    let name = |(upstream, target): (&Upstream, &String)| {
        let alike: Vec<_> = upstreams.iter().filter(|other| other.target == upstream.target).collect();
        if alike.len() == 1 {
            return target.clone();
        }
        let distinct = |of: fn(&Upstream) -> Option<String>| {
            let all: Option<BTreeSet<_>> = alike.iter().map(|one| of(one)).collect();
            all.filter(|all| all.len() == alike.len()).and_then(|_| of(upstream))
        };
        let number = || alike.iter().position(|one| std::ptr::eq(*one, upstream)).unwrap_or_default() + 1;
        let own = distinct(given_name).or_else(|| distinct(place)).unwrap_or_else(|| number().to_string());
        format!("{target} ({own})")
    };
    upstreams.iter().zip(&targets).map(name).collect()
}

/// The key `name` of its identity.
fn given_name(upstream: &Upstream) -> Option<String> {
    upstream.keys.get("name").map(|name| name.to_string())
}

/// Where its clients come in, if that is known beforehand.
fn place(upstream: &Upstream) -> Option<String> {
    let clients = &upstream.clients;
    match (&clients.unix_socket, clients.port) {
        (Some(path), _) => Some(path.display().to_string()),
        (None, Some(port)) if port != 0 => Some(format!("port {port}")),
        (None, _) => None,
    }
}
