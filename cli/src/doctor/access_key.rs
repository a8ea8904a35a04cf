//! An access key, if one is given to look at.

use super::connection::{Connection, refusal};
use super::finding::{Cause, Finding};
use super::subject::Subject;
use entrakey_core::{Refusal, redacted};

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
    /// Why Azure Resource Manager could not be read, if it was to be.
    pub(super) unread: Option<String>,
}

/// How Redis begins its answer if the default user has no password.
const NO_PASSWORD: &str = "ERR AUTH <password> called without any password";

pub(super) fn try_key(connection: &mut Connection, key: &str) -> Answer {
    match connection.ask(&["AUTH", "default", key]) {
        Ok(answer) => {
            let Some(said) = refusal(&answer) else { return Answer::Taken };
            let is_refused =
                Refusal::read(said) == Some(Refusal::Credentials) || said.starts_with(NO_PASSWORD);
            let said = redacted(said, &[key]);
            match is_refused {
                true => Answer::Refused(said),
                false => Answer::Odd(format!("AUTH with the key was answered \"{said}\"")),
            }
        }
        Err(error) => Answer::Odd(format!("the key could not be tried: {error}")),
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
    let unread =
        evidence.unread.iter().map(|reason| format!("Azure Resource Manager could not be read: {reason}"));
    Finding::one_of(STEP, causes).seen([format!("AUTH with the key was answered \"{said}\"")]).seen(unread)
}
