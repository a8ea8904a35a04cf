//! What went wrong at Azure, in a sentence that says what to do.

use crate::azure::{Answer, Unanswered};
use serde_json::Value;
use std::time::Duration;

/// Why Azure did not do what it was asked for.
#[derive(Debug)]
pub(crate) struct Trouble {
    /// A word for programs.
    pub(crate) code: &'static str,
    /// A sentence.
    pub(crate) message: String,
    /// When to come back.
    pub(crate) retry_after: Option<Duration>,
    /// Azure's id of the request.
    pub(crate) request_id: Option<String>,
    /// It may have been done all the same: no answer came, or one that says nothing of it.
    pub(crate) may_be_done: bool,
    /// There is no such thing.
    pub(crate) is_not_found: bool,
}

/// What was asked, for the remedy of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Something of an application's passwords.
    Application,
    /// Something of a user's password.
    User,
    /// To see users.
    Users,
    /// Something of a cache's assignments.
    Assignment,
}

impl Trouble {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, message, retry_after: None, request_id: None, may_be_done: false, is_not_found: false }
    }

    /// No answer came.
    pub(crate) fn unanswered(unanswered: Unanswered) -> Self {
        let code = if unanswered.is_unsent { "azure_unavailable" } else { "azure_unanswered" };
        Self {
            retry_after: unanswered.retry_after,
            may_be_done: !unanswered.is_unsent,
            ..Self::new(code, unanswered.message)
        }
    }

    /// An answer that is none of success.
    pub(crate) fn refused(asked: Asked, answer: &Answer) -> Self {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let word = |name: &str| body["error"][name].as_str().unwrap_or_default();
        let (code, said): (_, String) = (word("code"), word("message").chars().take(300).collect());
        let status = answer.status;
        let service = if asked == Asked::Assignment { "Azure Resource Manager" } else { "Microsoft Graph" };
        let remedy = remedy(asked, status, code);
        let answered = format!("{service} answered {status} {code}");
        let message = match said.is_empty() {
            true => format!("{}.{remedy}", answered.trim_end()),
            false => format!("{}: {}.{remedy}", answered.trim_end(), said.trim_end_matches('.')),
        };
        let word = match status {
            429 => "throttled",
            409 => "azure_conflict",
            500.. => "azure_unavailable",
            _ => "azure_refused",
        };
        let is_missing_key = said.contains("No password credential found with keyId");
        Self {
            retry_after: answer.retry_after,
            request_id: answer.request_id.clone(),
            // Of a server's failure nobody knows how far it came.
            may_be_done: status >= 500 || status == 408,
            is_not_found: status == 404 || (status == 400 && is_missing_key),
            ..Self::new(word, message)
        }
    }

    /// A success that says nothing useful.
    pub(crate) fn odd(what: &str) -> Self {
        let message = format!("{what}. What it has done is looked for, and taken back.");
        Self { may_be_done: true, ..Self::new("azure_odd", message) }
    }

    /// The message for people, with what Azure's support wants to know. It is another one each time.
    pub(crate) fn told(&self) -> String {
        match &self.request_id {
            Some(id) => format!("{} Azure's id of the request is {id}.", self.message),
            None => self.message.clone(),
        }
    }

    pub(crate) fn retry_after_ms(&self) -> Option<i64> {
        self.retry_after.map(|wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
    }
}

/// What to do, with a space in front.
fn remedy(asked: Asked, status: u16, code: &str) -> &'static str {
    match (code, status, asked) {
        ("CredentialInvalidLifetimeAsPerAppPolicy", ..) => {
            " A policy of the tenant limits how long secrets live: shorten max-ttl."
        }
        ("CredentialTypeNotAllowedAsPerAppPolicy", ..) => {
            " A policy of the tenant forbids secrets for this application: exempt it, or use redis_access."
        }
        ("TooManyAppPasswords", ..) => {
            " An application that personal accounts may sign in to has two secrets at most: take another one."
        }
        ("Directory_ResourceSizeExceeded", ..) => {
            " The application has too many keys: remove old ones (entrakey leases reap removes those of ours), or lower \
             max-leases."
        }
        (_, 401, _) => " The service's own token was not taken: look at its identity and tenant.",
        (_, 403, Asked::Application) => {
            " The service's identity needs the permission Application.ReadWrite.OwnedBy and must be an owner of the \
             application, or needs Application.ReadWrite.All."
        }
        (_, 403, Asked::User) => {
            " The service's identity needs the permission User-PasswordProfile.ReadWrite.All and the role User Administrator \
             (for an administrator's password: Privileged Authentication Administrator)."
        }
        (_, 403, Asked::Users) => " The service's identity needs the permission User.Read.All.",
        (_, 403, Asked::Assignment) => {
            " The service's identity needs a role on the cache that may read, write and delete accessPolicyAssignments, such \
             as Contributor."
        }
        (_, 404, Asked::Application) => " Is application-id the client id of an application of this tenant?",
        (_, 404, Asked::User | Asked::Users) => " Is there such a user in this tenant?",
        (_, 404, Asked::Assignment) => " Is cache the resource id of a cache that this identity may see?",
        (_, 429, _) => " It is asked again when it says so.",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    fn refused(asked: Asked, status: u16, body: &str) -> Trouble {
        let answer = Answer {
            status,
            body: Zeroizing::new(body.as_bytes().to_vec()),
            retry_after: Some(Duration::from_secs(7)),
            date_ms: None,
            request_id: Some("r-1".to_owned()),
        };
        Trouble::refused(asked, &answer)
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let denied = r#"{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges to complete the operation."}}"#;
        let trouble = refused(Asked::Application, 403, denied);
        assert!(trouble.message.contains("Insufficient privileges") && trouble.message.contains("OwnedBy"));
        assert!(trouble.told().contains("r-1") && !trouble.may_be_done, "{}", trouble.told());
        assert!(
            !trouble.message.contains("r-1"),
            "the same refusal is the same sentence, whatever its number"
        );
        assert!(refused(Asked::User, 403, "").message.starts_with("Microsoft Graph answered 403. "));
        let policy = r#"{"error":{"code":"CredentialInvalidLifetimeAsPerAppPolicy","message":"no"}}"#;
        assert!(refused(Asked::Application, 400, policy).message.contains("shorten max-ttl"));
        let throttled = refused(Asked::User, 429, "");
        assert_eq!((throttled.code, throttled.retry_after_ms()), ("throttled", Some(7000)));
        assert!(!throttled.may_be_done);
    }

    #[test]
    fn what_may_have_been_done_is_told_from_what_was_not() {
        assert!(refused(Asked::Application, 503, "<html>").may_be_done);
        assert!(refused(Asked::Application, 500, "").may_be_done);
        let gone = r#"{"error":{"code":"Request_BadRequest","message":"No password credential found with keyId 1."}}"#;
        assert!(refused(Asked::Application, 400, gone).is_not_found);
        assert!(!refused(Asked::Application, 400, "{}").is_not_found);
        let lost = Unanswered { message: "x".to_owned(), is_unsent: false, retry_after: None };
        assert!(Trouble::unanswered(lost).may_be_done);
    }
}
