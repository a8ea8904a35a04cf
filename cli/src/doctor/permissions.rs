//! What the access policy permits, without writing anything.

use super::connection::{Connection, refusal};
use super::finding::{Cause, Finding};
use super::subject::Subject;
use redis_protocol::resp2::types::OwnedFrame;
use std::io;

pub(super) const STEP: &str = "permissions";

pub(super) struct Evidence {
    /// The user's name; an error is the server's.
    pub(super) whoami: Result<String, String>,
    /// What a GET of a key that nobody has was answered.
    pub(super) read: Result<(), String>,
    /// What ACL DRYRUN says of a SET of that key; an error if it says nothing.
    pub(super) write: Result<String, String>,
    /// Whether the key begins as the program's own do.
    pub(super) is_own_key: bool,
}

/// A key that nobody has: 128 random bits, behind the prefix of the program's keys.
pub(super) fn absent_key(prefix: &str) -> String {
    format!("{prefix}entrakey-doctor-{:032x}", fastrand::u128(..))
}

pub(super) fn gather(
    connection: &mut Connection,
    username: &str,
    prefix: Option<&str>,
) -> io::Result<Evidence> {
    let key = absent_key(prefix.unwrap_or_default());
    let whoami = connection.ask(&["ACL", "WHOAMI"])?;
    let read = connection.ask(&["GET", &key])?;
    let write = connection.ask(&["ACL", "DRYRUN", username, "SET", &key, ""])?;
    Ok(Evidence {
        whoami: text(&whoami),
        read: text(&read).map(drop),
        write: text(&write),
        is_own_key: prefix.is_some(),
    })
}

fn text(frame: &OwnedFrame) -> Result<String, String> {
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match (refusal(frame), frame) {
        (Some(error), _) => Err(error.to_owned()),
        (None, OwnedFrame::SimpleString(bytes) | OwnedFrame::BulkString(bytes)) => Ok(lossy(bytes)),
        (None, _) => Ok(String::new()),
    }
}

pub(super) fn diagnose(evidence: &Evidence, subject: &Subject) -> Finding {
    let user = match &evidence.whoami {
        Ok(user) => format!("the server calls this user {user}"),
        Err(_) => "ACL WHOAMI is not to be had here".to_owned(),
    };
    let write = match &evidence.write {
        Ok(answer) if answer == "OK" => "writing (SET): permitted".to_owned(),
        Ok(answer) if !answer.is_empty() => format!("writing (SET): {answer}"),
        _ => "writing: not determined, as nothing is written and ACL DRYRUN is not to be had here".to_owned(),
    };
    let no_read = match &evidence.read {
        Ok(()) => None,
        Err(error) if error.starts_with("MOVED ") || error.starts_with("ASK ") => None, // permitted, at another node
        Err(error) => Some(error),
    };
    let Some(error) = no_read else {
        return Finding::ok(STEP).seen([user, "reading (GET): permitted".to_owned(), write]);
    };
    let seen = [user, format!("reading (GET): {error}"), write];
    let is_of_the_key = error.starts_with("NOPERM") && error.contains("access a key");
    match (error.starts_with("NOPERM"), is_of_the_key) {
        (true, true) if !evidence.is_own_key => {
            let why =
                "the policy permits some keys only: give the beginning of the program's with --key-prefix";
            Finding::undetermined(STEP, why).seen(seen)
        }
        (true, _) => {
            let text = format!(
                "The access policy does not permit GET ({error}): assign one that permits what the program does."
            );
            Finding::problem(STEP, [Cause::new("no_permission", text).mended_by(subject.widen())]).seen(seen)
        }
        (false, _) => Finding::undetermined(STEP, format!("GET was answered \"{error}\"")).seen(seen),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;
    use crate::doctor::subject::for_tests;

    #[test]
    fn a_policy_that_forbids_reading_is_a_problem_and_one_of_some_keys_is_not() {
        let error = |text: &str| Err(text.to_owned());
        let command = "NOPERM User x has no permissions to run the 'get' command";
        let key = "NOPERM No permissions to access a key";
        for (read, is_own_key, verdict) in [
            (Ok(()), false, Verdict::Ok),
            (error("MOVED 3999 10.0.0.4:8500"), false, Verdict::Ok),
            (error(command), false, Verdict::Problem),
            (error(key), false, Verdict::NotDetermined),
            (error(key), true, Verdict::Problem),
            (error("LOADING Redis is loading the dataset in memory"), false, Verdict::NotDetermined),
        ] {
            let evidence = Evidence {
                whoami: Err("ERR unknown command 'ACL'".to_owned()),
                read,
                write: Err("ERR".to_owned()),
                is_own_key,
            };
            let finding = diagnose(&evidence, &for_tests("c.westeurope.redis.azure.net"));
            assert_eq!(finding.verdict, verdict, "{:?}", evidence.read);
            assert!(finding.evidence.iter().any(|line| line.contains("not determined")), "of writing");
        }
    }
}
