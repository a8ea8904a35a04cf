//! The port without TLS, which Azure Cache for Redis may have.

use super::connection::plain_answer;
use super::finding::{Cause, Finding};
use super::subject::Subject;
use crate::family::{Family, PLAIN_PORT};
use std::net::SocketAddr;

pub(super) const STEP: &str = "plaintext";

/// What the port says to a PING; none if it says nothing.
pub(super) fn gather(address: SocketAddr, subject: &Subject) -> Option<Option<String>> {
    let has_one = subject.family == Family::Classic && subject.port != PLAIN_PORT;
    has_one.then(|| plain_answer(SocketAddr::new(address.ip(), PLAIN_PORT)))
}

pub(super) fn diagnose(evidence: Option<&Option<String>>, subject: &Subject) -> Finding {
    match evidence {
        None => {
            Finding::skipped(STEP, "only Azure Cache for Redis has a port without TLS beside that with it")
        }
        Some(None) => Finding::ok(STEP).seen([format!("nothing answers without TLS on {PLAIN_PORT}")]),
        Some(Some(line)) => {
            let text = format!(
                "Port {PLAIN_PORT} takes connections without TLS: a program that uses it sends its token in clear."
            );
            let (group, name) = (subject.group(), subject.name());
            let mend = format!("az redis update -g {group} -n {name} --set enableNonSslPort=false");
            let note = Cause::new("plain_port_open", text).mended_by([mend]);
            Finding::ok(STEP).seen([format!("on {PLAIN_PORT} it answers {line:?}")]).noted([note])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;
    use crate::doctor::subject::for_tests;

    #[test]
    fn a_port_without_tls_is_a_note_and_only_azure_cache_for_redis_has_one() {
        let classic = for_tests("c.redis.cache.windows.net");
        let open = diagnose(Some(&Some("-NOAUTH Authentication required.".to_owned())), &classic);
        assert_eq!((open.verdict, open.notes[0].id), (Verdict::Ok, "plain_port_open"));
        assert_eq!(open.notes[0].mend, ["az redis update -g RG -n c --set enableNonSslPort=false"]);
        assert!(diagnose(Some(&None), &classic).notes.is_empty(), "nobody answers there");
        let managed = for_tests("c.westeurope.redis.azure.net");
        assert_eq!(gather(SocketAddr::from(([127, 0, 0, 1], 10_000)), &managed), None);
        assert_eq!(diagnose(None, &managed).verdict, Verdict::Skipped);
    }
}
