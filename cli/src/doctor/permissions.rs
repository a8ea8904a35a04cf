//! What the access policy permits, without writing anything.

use super::connection::{Connection, refusal};
use super::finding::{Cause, Finding};
use super::subject::Subject;
use entrakey_core::{Forbidden, Refusal};
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

/// What the policy says of a command.
enum Permission {
    Permitted,
    Forbidden(Forbidden),
    Unknown,
}

fn of_read(read: &Result<(), String>) -> Permission {
    match read {
        Ok(()) => Permission::Permitted,
        Err(error) if error.starts_with("MOVED ") || error.starts_with("ASK ") => Permission::Permitted, // at another node
        Err(error) if Refusal::read(error) == Some(Refusal::Permission) => {
            Permission::Forbidden(Forbidden::read(error).unwrap_or(Forbidden::Command))
        }
        Err(_) => Permission::Unknown,
    }
}

fn of_write(write: &Result<String, String>) -> Permission {
    match write {
        Ok(answer) if answer == "OK" => Permission::Permitted,
        Ok(answer) => Forbidden::read(answer).map_or(Permission::Unknown, Permission::Forbidden),
        Err(_) => Permission::Unknown,
    }
}

pub(super) fn diagnose(evidence: &Evidence, subject: &Subject) -> Finding {
    let (read, write) = (of_read(&evidence.read), of_write(&evidence.write));
    let finding = match (&read, &evidence.read) {
        (Permission::Forbidden(Forbidden::Key), Err(error)) if evidence.is_own_key => {
            let text = format!(
                "The access policy does not permit GET of keys that begin with --key-prefix ({error}): assign one \
                 that permits the program's keys."
            );
            Finding::problem(STEP, [no_permission(text, subject)])
        }
        (Permission::Forbidden(Forbidden::Key), _) => Finding::undetermined(
            STEP,
            "the policy permits some keys only: give the beginning of the program's with --key-prefix",
        ),
        (Permission::Unknown, Err(error)) => {
            Finding::undetermined(STEP, format!("GET was answered \"{error}\""))
        }
        _ => Finding::ok(STEP).noted(not_permitted(&read, &write).map(|text| no_permission(text, subject))),
    };
    finding.seen(seen(evidence, &read, &write))
}

/// A policy may leave out what the program does not do, and only the program knows what it does: commands that are not
/// permitted are named, and no problem by themselves.
fn not_permitted(read: &Permission, write: &Permission) -> Option<String> {
    let is_forbidden = |permission: &Permission| matches!(permission, Permission::Forbidden(_));
    let commands: Vec<_> = [("GET", read), ("SET", write)]
        .into_iter()
        .filter_map(|(command, permission)| is_forbidden(permission).then_some(command))
        .collect();
    (!commands.is_empty()).then(|| {
        format!(
            "The access policy does not permit {}. If the program needs that, assign a policy that permits it; a program \
             that only publishes, or only reads, needs no more.",
            commands.join(" and ")
        )
    })
}

fn no_permission(text: String, subject: &Subject) -> Cause {
    Cause::new("no_permission", text).mended_by(subject.widen("+@all ~*"))
}

fn seen(evidence: &Evidence, read: &Permission, write: &Permission) -> [String; 3] {
    let user = match &evidence.whoami {
        Ok(user) => format!("the server calls this user {user}"),
        Err(_) => "ACL WHOAMI is not to be had here".to_owned(),
    };
    let read = match (read, &evidence.read) {
        (Permission::Permitted, _) | (_, Ok(())) => "reading (GET): permitted".to_owned(),
        (_, Err(error)) => format!("reading (GET): {error}"),
    };
    let write = match (write, &evidence.write) {
        (Permission::Permitted, _) => "writing (SET): permitted".to_owned(),
        (Permission::Forbidden(_), Ok(answer)) => format!("writing (SET): {answer}"),
        _ => "writing: not determined, as nothing is written and ACL DRYRUN is not to be had here".to_owned(),
    };
    [user, read, write]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;
    use crate::doctor::subject::for_tests;

    const COMMAND: &str = "NOPERM User x has no permissions to run the 'get' command";
    const KEY: &str = "NOPERM No permissions to access a key";
    const KEY_OF_REDIS_6: &str =
        "NOPERM this user has no permissions to access one of the keys used as arguments";
    const BLOCKED: &str = "ERR unknown command 'ACL', with args beginning with: 'DRYRUN' 'x' 'SET' ";

    fn found(read: Result<(), &str>, write: Result<&str, &str>, is_own_key: bool) -> Finding {
        let evidence = Evidence {
            whoami: Err(BLOCKED.to_owned()),
            read: read.map_err(str::to_owned),
            write: write.map(str::to_owned).map_err(str::to_owned),
            is_own_key,
        };
        diagnose(&evidence, &for_tests("c.westeurope.redis.azure.net"))
    }

    #[test]
    fn what_a_policy_does_not_permit_is_named_and_a_problem_only_for_the_programs_own_keys() {
        for (read, is_own_key, verdict, notes) in [
            (Ok(()), false, Verdict::Ok, 0),
            (Err("MOVED 3999 10.0.0.4:8500"), false, Verdict::Ok, 0),
            (Err(COMMAND), false, Verdict::Ok, 1),
            (Err(COMMAND), true, Verdict::Ok, 1),
            (Err(KEY), false, Verdict::NotDetermined, 0),
            (Err(KEY_OF_REDIS_6), false, Verdict::NotDetermined, 0),
            (Err(KEY), true, Verdict::Problem, 0),
            (Err(KEY_OF_REDIS_6), true, Verdict::Problem, 0),
            (Err("LOADING Redis is loading the dataset in memory"), false, Verdict::NotDetermined, 0),
        ] {
            let finding = found(read, Err(BLOCKED), is_own_key);
            assert_eq!((finding.verdict, finding.notes.len()), (verdict, notes), "{read:?} {is_own_key}");
            assert!(finding.evidence.iter().any(|line| line.contains("not determined")), "of writing");
        }
    }

    #[test]
    fn dryrun_tells_of_writing_where_it_is_to_be_had() {
        let of_key = "User x has no permissions to access the 'entrakey-doctor-0' key";
        for (read, write, notes, named) in [
            (Ok(()), "OK", 0, ""),
            (Ok(()), "User x has no permissions to run the 'set' command", 1, "permit SET."),
            (Ok(()), of_key, 1, "permit SET."),
            (Err(COMMAND), "OK", 1, "permit GET."),
            (Err(COMMAND), "User x has no permissions to run the 'set' command", 1, "permit GET and SET."),
        ] {
            let finding = found(read, Ok(write), false);
            assert_eq!((finding.verdict, finding.notes.len()), (Verdict::Ok, notes), "{read:?} {write}");
            let text = finding.notes.first().map_or("", |note| note.text.as_str());
            assert!(text.contains(named), "{text}");
            let written = finding.evidence.iter().find(|line| line.starts_with("writing (SET)")).unwrap();
            assert_eq!(written.ends_with("permitted"), write == "OK", "{written}");
        }
    }
}
