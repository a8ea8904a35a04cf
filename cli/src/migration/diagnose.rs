//! What speaks against switching access keys off.

use super::consequences::consequences;
use super::evidence::{Clients, Connected, Evidence};
use crate::arm::{Product, Series};
use crate::doctor::{Cause, Finding, Subject};

pub(super) fn all(evidence: &Evidence, subject: &Subject) -> Vec<Finding> {
    vec![
        keys(evidence),
        entra(evidence, subject),
        assignments(evidence, subject),
        clients(&evidence.clients, evidence.cache.takes_keys),
        Finding::ok("consequences").noted(consequences(&evidence.cache, subject)),
    ]
}

fn keys(evidence: &Evidence) -> Finding {
    match evidence.cache.takes_keys {
        Some(true) => Finding::ok("access_keys").seen(["access keys are taken".to_owned()]),
        Some(false) => Finding::ok("access_keys").seen(["access keys are off already".to_owned()]),
        None => Finding::undetermined("access_keys", "the cache does not say whether access keys are taken"),
    }
}

fn entra(evidence: &Evidence, subject: &Subject) -> Finding {
    let cache = &evidence.cache;
    match (cache.resource.product, cache.is_entra_on) {
        (Product::Managed, _) => {
            Finding::ok("entra").seen(["Azure Managed Redis always takes tokens".to_owned()])
        }
        (Product::Classic, true) => Finding::ok("entra").seen(["tokens are taken (aad-enabled)".to_owned()]),
        (Product::Classic, false) => {
            let text = "Microsoft Entra authentication is switched off: nobody could sign in without access keys. \
                        Switching it on reboots the nodes, which may take half an hour.";
            Finding::problem("entra", [Cause::new("entra_off", text).mended_by([subject.switch_entra_on()])])
        }
    }
}

fn assignments(evidence: &Evidence, subject: &Subject) -> Finding {
    let list =
        evidence.assignments.iter().map(|one| format!("{} is assigned to {}", one.policy, one.object_id));
    if evidence.assignments.is_empty() {
        let text = "No access policy is assigned to anybody: without access keys nobody could sign in.";
        return Finding::problem(
            "assignments",
            [Cause::new("nobody_assigned", text).mended_by(subject.assign())],
        );
    }
    let object_id = subject.object_id();
    let is_assigned = evidence.assignments.iter().any(|one| one.object_id.eq_ignore_ascii_case(object_id));
    let note = (!is_assigned).then(|| {
        let text =
            format!("This identity, {object_id}, is not among them. If it is to use the cache, assign it.");
        Cause::new("this_identity_not_assigned", text).mended_by(subject.assign())
    });
    Finding::ok("assignments").seen(list).noted(note)
}

fn clients(clients: &Clients, takes_keys: Option<bool>) -> Finding {
    match clients {
        Clients::Metrics(Ok([connected, with_token])) => by_metrics(connected, with_token),
        Clients::Users(Ok(users)) => by_users(users, takes_keys),
        Clients::Metrics(Err(reason)) => Finding::undetermined("clients", format!("the metrics: {reason}")),
        Clients::Users(Err(reason)) => Finding::undetermined("clients", NO_METRIC).seen([reason.clone()]),
    }
}

const NO_METRIC: &str = "Azure Managed Redis has no metric of clients with a token; its log ConnectionEvents (diagnostic \
                         setting of databases/default) has the user of each connection";

/// Microsoft's own connections, by its rule.
const INTERNAL: f64 = 30.0;

fn by_metrics(connected: &Series, with_token: &Series) -> Finding {
    let minutes = connected.iter().filter_map(|(minute, all)| Some((minute, all - with_token.get(minute)?)));
    let Some((minute, gap)) = minutes.max_by(|one, other| one.1.total_cmp(&other.1)) else {
        return Finding::undetermined("clients", "the metrics have no minute in this time");
    };
    // The newest minute may be half there.
    let newest = connected.keys().next_back();
    let unpaired = connected.iter().find(|(minute, all)| {
        **all > INTERNAL && Some(*minute) != newest && !with_token.contains_key(*minute)
    });
    if let Some((minute, all)) = unpaired.filter(|_| gap <= INTERNAL) {
        let why = format!(
            "at {minute} {all} clients were connected, and the metric of those with a token has no value: perhaps there \
             were none"
        );
        return Finding::undetermined("clients", why);
    }
    let gap_seen = format!(
        "at {minute} {gap} more clients were connected than clients with a token, the most of the time"
    );
    if gap <= INTERNAL {
        let note = (gap > 0.0).then(|| {
            let text = "Up to 30 connections may be Microsoft's own; a small cache may have as few of yours. Its log \
                        ConnectedClientList has the addresses.";
            Cause::new("clients_may_be_internal", text)
        });
        return Finding::ok("clients").seen([gap_seen]).noted(note);
    }
    let text = "Clients are connected that use an access key: they would be locked out. The log ConnectedClientList has \
                their addresses, and MSEntraAuthenticationAuditLog those that sign in with tokens.";
    Finding::problem("clients", [Cause::new("clients_with_keys", text)]).seen([gap_seen])
}

/// The user of whoever signs in with an access key.
const KEY_USER: &str = "default";

/// One look is no proof: whoever was not connected at that moment is not seen. It is one only of who uses a key, and where keys
/// are off nobody does.
fn by_users(connected: &Connected, takes_keys: Option<bool>) -> Finding {
    let users = connected.users.iter().map(|(user, count)| format!("{count} connections of {user}"));
    let unasked = connected.unasked.iter().map(|one| format!("not asked: {one}"));
    let nodes = match connected.nodes {
        1 => "1 node has".to_owned(),
        count => format!("{count} nodes have"),
    };
    let seen = [NO_METRIC.to_owned(), format!("{nodes} told who is connected now, this command included")];
    let seen = seen.into_iter().chain(users).chain(unasked);
    if let Some(count) = connected.users.get(KEY_USER) {
        let text = format!(
            "{count} connections are of the user default, who signs in with an access key: they would be locked out."
        );
        return Finding::problem("clients", [Cause::new("clients_with_keys", text)]).seen(seen);
    }
    if takes_keys == Some(false) {
        return Finding::ok("clients").seen(seen);
    }
    let text = "CLIENT LIST shows who is connected now: a program that runs at night is not among them. Switch the log \
                ConnectionEvents on and look at it after a week.";
    let why = "nobody is connected now with an access key; whether anybody is at another time cannot be seen from here";
    Finding::undetermined("clients", why).seen(seen).noted([Cause::new("only_now", text)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;
    use crate::migration::evidence::by_user;

    fn series(values: &[(&str, f64)]) -> Series {
        values.iter().map(|(minute, value)| ((*minute).to_owned(), *value)).collect()
    }

    #[test]
    fn microsofts_own_few_do_not_count_and_the_worst_minute_does() {
        for (connected, with_token, verdict, notes) in [
            (vec![("1", 10.0), ("2", 12.0)], vec![("1", 10.0), ("2", 12.0)], Verdict::Ok, 0),
            (vec![("1", 40.0)], vec![("1", 10.0)], Verdict::Ok, 1),
            (vec![("1", 41.0), ("2", 10.0)], vec![("1", 10.0), ("2", 10.0)], Verdict::Problem, 0),
            (vec![("1", 41.0)], vec![("2", 10.0)], Verdict::NotDetermined, 0),
            (vec![], vec![], Verdict::NotDetermined, 0),
        ] {
            let finding = by_metrics(&series(&connected), &series(&with_token));
            assert_eq!(
                (finding.verdict, finding.notes.len()),
                (verdict, notes),
                "{connected:?} {with_token:?}"
            );
        }
    }

    #[test]
    fn on_azure_managed_redis_the_users_of_connections_tell() {
        let lines = "id=1 addr=10.0.0.1:1 name= user=default redir=-1 resp=2\nid=2 addr=10.0.0.2:1 name= \
                     user=11111111-0000-4000-8000-000000000001 redir=-1 resp=3\n";
        let connected = |lines| Connected { users: by_user(lines), nodes: 1, unasked: Vec::new() };
        let finding = by_users(&connected(lines), Some(true));
        assert_eq!(finding.causes[0].id, "clients_with_keys");
        assert!(finding.evidence[0].contains("no metric") && finding.evidence.len() == 4);
        for (takes_keys, verdict, notes) in [
            (Some(true), Verdict::NotDetermined, 1),
            (None, Verdict::NotDetermined, 1),
            (Some(false), Verdict::Ok, 0),
        ] {
            let finding = by_users(&connected("id=2 user=me resp=3\n"), takes_keys);
            assert_eq!((finding.verdict, finding.notes.len()), (verdict, notes), "{takes_keys:?}");
        }
    }
}
