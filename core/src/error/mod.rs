//! One error type: what went wrong, whether trying again can help, and what to do about it.

mod aadsts;
mod kind;
mod managed_identity;

pub(crate) use aadsts::{number_in, remedy};
pub use kind::ErrorKind;
pub use managed_identity::ManagedIdentityFault;

use crate::claims::is_unseen;
use crate::redact::redacted;
use std::fmt;
use std::time::Duration;

/// A `Result` whose error is ours.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in a sentence that says what to do. Holds no secret.
#[derive(Clone)]
pub struct Error(Box<Details>);

#[derive(Clone)]
struct Details {
    kind: ErrorKind,
    message: String,
    retriable: bool,
    aadsts: Option<u32>,
    managed_identity: Option<ManagedIdentityFault>,
    correlation_id: Option<String>,
    http_status: Option<u16>,
    retry_after: Option<Duration>,
    pause: Duration,
    retry_in: Option<Duration>,
}

/// Some of a message is what a server said: it must neither flood a log nor forge a line of it.
const MAX_MESSAGE_CHARS: usize = 1000;

/// `text` in one line and without control characters and those that turn a text around, cut to a bearable length. A line's end
/// becomes a blank: the last word of a line, which may be a link, does not run into the next one.
pub(crate) fn presentable(text: &str) -> String {
    let (mut shown, mut was_control) = (String::new(), false);
    let is_line_end = |c: &char| matches!(c, '\u{2028}' | '\u{2029}');
    for c in text.trim().chars().filter(|c| !is_unseen(*c) || is_line_end(c)).take(MAX_MESSAGE_CHARS) {
        let c = if is_line_end(&c) { '\n' } else { c };
        if was_control && !c.is_control() && !c.is_whitespace() {
            shown.push(' ');
        }
        was_control = c.is_control();
        if !was_control {
            shown.push(c);
        }
    }
    shown
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl AsRef<str>) -> Self {
        Self(Box::new(Details {
            kind,
            message: presentable(message.as_ref()),
            retriable: kind.is_retriable(),
            aadsts: None,
            managed_identity: None,
            correlation_id: None,
            http_status: None,
            retry_after: None,
            pause: Duration::ZERO,
            retry_in: None,
        }))
    }

    /// For bindings: what every call of a closed provider is answered.
    #[must_use]
    pub fn closed() -> Self {
        Self::new(ErrorKind::Closed, "The provider is closed. Create a new one.")
    }

    /// For bindings: a callback that supplies tokens has asked its own provider for one.
    #[must_use]
    pub fn reentered() -> Self {
        let message = "get_token was called inside the callback that is to supply the token: it would wait for \
                       itself. Return a token, or ask another provider.";
        Self::new(ErrorKind::CallbackFailed, message).with_retriable(false)
    }

    /// What is configured cannot be used.
    pub(crate) fn invalid_config(message: impl AsRef<str>) -> Self {
        Self::new(ErrorKind::InvalidConfig, message)
    }

    /// For bindings: an argument of a call makes no sense.
    #[must_use]
    pub fn invalid_argument(message: &str) -> Self {
        Self::new(ErrorKind::InvalidArgument, message)
    }

    /// For bindings: a pointer that must not be NULL is.
    #[must_use]
    pub fn null_argument(name: &str) -> Self {
        Self::invalid_argument(&format!("{name} is NULL."))
    }

    /// For bindings: what should never happen, a caught panic for instance.
    #[must_use]
    pub fn internal(message: &str) -> Self {
        Self::new(ErrorKind::Internal, format!("{message} Please report this."))
    }

    /// Entra's own refusal: the number decides what the user is told and whether to try again.
    pub(crate) fn entra(code: u32, description: &str, status: u16) -> Self {
        let entry = aadsts::lookup(code);
        let mut error = Self::new(entry.kind, aadsts::message(code, &redacted(description, &[]), entry));
        error.0.retriable = entry.kind.is_retriable();
        error.0.aadsts = Some(code);
        error.0.http_status = Some(status);
        error
    }

    /// The same error, without these secrets in any of its texts.
    pub(crate) fn hiding(mut self, secrets: &[&str]) -> Self {
        self.0.message = redacted(&self.0.message, secrets);
        self.0.correlation_id = self.0.correlation_id.map(|id| redacted(&id, secrets));
        self
    }

    /// The same error with a sentence at its end, which is ours and may be missing.
    pub(crate) fn with_sentence(mut self, sentence: &str) -> Self {
        if !sentence.is_empty() {
            self.0.message = format!("{} {}", self.0.message, presentable(sentence));
        }
        self
    }

    /// The same error with another remedy than its number has, from a caller that knows more of the request.
    pub(crate) fn with_remedy(mut self, remedy: &str) -> Self {
        self.0.message = presentable(&aadsts::with_remedy(&self.0.message, remedy));
        self
    }

    pub(crate) fn with_aadsts(mut self, code: u32) -> Self {
        self.0.aadsts = Some(code);
        self
    }

    /// With Entra's number, if the text has one: what a refusal is about, whoever passed it on.
    pub(crate) fn with_aadsts_in(mut self, text: &str) -> Self {
        self.0.aadsts = self.0.aadsts.or_else(|| number_in(text));
        self
    }

    pub(crate) fn with_managed_identity(mut self, fault: Option<ManagedIdentityFault>) -> Self {
        self.0.managed_identity = fault;
        self
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.0.http_status = Some(status);
        self
    }

    pub(crate) fn with_retriable(mut self, retriable: bool) -> Self {
        self.0.retriable = retriable;
        self
    }

    pub(crate) fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.0.retry_after = wait;
        self
    }

    pub(crate) fn with_pause(mut self, pause: Duration) -> Self {
        self.0.pause = pause;
        self
    }

    pub(crate) fn with_correlation_id(mut self, id: Option<String>) -> Self {
        self.0.correlation_id = id.as_deref().map(presentable);
        self
    }

    /// The same error with the time of the next attempt, for a caller that is turned away before it.
    pub(crate) fn with_retry_in(mut self, wait: Duration) -> Self {
        self.0.retry_in = Some(wait);
        self
    }

    /// What kind of error this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What happened and what to do about it.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Whether the same call can succeed later with nothing changed.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        self.0.retriable
    }

    /// The number of Entra's refusal: 7000215 for `AADSTS7000215`.
    #[must_use]
    pub fn aadsts(&self) -> Option<u32> {
        self.0.aadsts
    }

    /// What the endpoint of managed identities holds against the request, if it can be told by more than its sentence.
    #[must_use]
    pub fn managed_identity(&self) -> Option<ManagedIdentityFault> {
        self.0.managed_identity
    }

    /// What Microsoft's support asks for; it is in Entra's sign-in log too.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        self.0.correlation_id.as_deref()
    }

    /// The HTTP status of the answer, if there was one.
    #[must_use]
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// How long the source asked to be left alone (`Retry-After`).
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// How far apart requests to this source have to be, even if callers wait.
    pub(crate) fn pause(&self) -> Duration {
        self.0.pause
    }

    /// How long until the provider tries again by itself, when the caller was turned away before that.
    #[must_use]
    pub fn retry_in(&self) -> Option<Duration> {
        self.0.retry_in
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(id) = &self.0.correlation_id {
            write!(f, " (correlation id {id})")?;
        }
        if let Some(wait) = self.0.retry_in {
            write!(f, " (next attempt in {:.1} s)", wait.as_secs_f64())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.0.kind.name())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_carries_number_remedy_and_correlation_id() {
        let error = Error::entra(7_000_215, "AADSTS7000215: Invalid client secret provided.", 401)
            .with_correlation_id(Some("c0ffee".into()));
        assert_eq!(error.kind(), ErrorKind::AuthRejected);
        assert_eq!((error.aadsts(), error.http_status()), (Some(7_000_215), Some(401)));
        assert!(!error.is_retriable());
        assert!(error.to_string().contains("secret's value, not its id"), "{error}");
        assert!(error.to_string().contains("c0ffee"), "{error}");
    }

    #[test]
    fn what_a_server_says_can_neither_flood_a_log_nor_forge_a_line_of_it() {
        let said = format!("AADSTS700016: a\0b\u{1b}[31m{}", "x".repeat(100_000));
        let error =
            Error::entra(700_016, &said, 400).with_correlation_id(Some("a\r\nINFO all is well".into()));
        let shown = error.to_string();
        assert!(!shown.contains(char::is_control), "{shown}");
        assert!(shown.len() < 2000 && shown.contains("What to do"), "{shown}");
        let turned = Error::new(ErrorKind::AuthRejected, "a\u{202e}b\u{200b}c\u{2028}d\u{feff}");
        assert_eq!(turned.message(), "abc d");
    }
}
