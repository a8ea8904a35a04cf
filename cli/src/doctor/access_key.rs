//! An access key, if one is given to look at.

use super::connection::{Connection, refusal};
use super::finding::{Cause, Finding};
use super::subject::Subject;
use entrakey_core::redacted;

pub(super) const STEP: &str = "access_key";

/// What AUTH with the key was answered.
pub(super) enum Answer {
    Taken,
    Refused(String),
    /// Nothing, or something that says nothing of the key.
    Odd(String),
}

pub(super) struct Evidence {
    pub(super) answer: Answer,
    /// Whether keys are on, as Azure Resource Manager says.
    pub(super) keys_on: Option<bool>,
}

/// How Redis begins the refusal of a password.
const REFUSALS: [&str; 3] =
    ["WRONGPASS", "ERR invalid password", "ERR AUTH <password> called without any password"];

pub(super) fn try_key(connection: &mut Connection, key: &str) -> Answer {
    match connection.ask(&["AUTH", "default", key]) {
        Ok(answer) => match refusal(&answer).map(|said| redacted(said, &[key])) {
            None => Answer::Taken,
            Some(said) if REFUSALS.iter().any(|known| said.starts_with(known)) => Answer::Refused(said),
            Some(said) => Answer::Odd(format!("AUTH with the key was answered \"{said}\"")),
        },
        Err(error) => Answer::Odd(format!("AUTH with the key had no answer: {error}")),
    }
}

pub(super) fn diagnose(evidence: Option<&Evidence>, subject: &Subject) -> Finding {
    let Some(evidence) = evidence else { return Finding::skipped(STEP, "none was given to look at") };
    let said = match &evidence.answer {
        Answer::Taken => return Finding::ok(STEP).seen(["the key is taken".to_owned()]),
        Answer::Odd(said) => return Finding::undetermined(STEP, said.as_str()),
        Answer::Refused(said) => said,
    };
    let off = || {
        let text = "Access keys are switched off on this cache. Use Entra; or switch them on, which ends every connection.";
        Cause::new("keys_off", text).mended_by(subject.switch_keys(true))
    };
    let wrong = || {
        let text = "The key is not one of the cache's two: it was renewed, or is another cache's.";
        Cause::new("key_wrong", text)
    };
    let causes = match evidence.keys_on {
        Some(false) => vec![off()],
        Some(true) => vec![wrong()],
        None => vec![off(), wrong()],
    };
    Finding::problem(STEP, causes).seen([format!("AUTH with the key was answered \"{said}\"")])
}
