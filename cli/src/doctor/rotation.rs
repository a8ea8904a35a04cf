//! A full rotation, watched: a connection that signs in with each new token stays, and one that does not is closed.

use super::auth::{Outcome, sign_in};
use super::connection::Connection;
use super::finding::{Cause, Finding};
use entrakey_core::{Provider, Token};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

pub(super) const STEP: &str = "rotation";

/// How often the connections are looked at.
const LOOK: Duration = Duration::from_millis(500);
/// What the server may take to close a connection whose token has expired.
const GRACE: Duration = Duration::from_secs(15);

#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// The versions of the tokens that were seen.
    pub(super) first: u64,
    pub(super) last: u64,
    /// How long it was watched, and how long a token was valid.
    pub(super) watched: Duration,
    pub(super) validity: Duration,
    /// A sign-in with a newer token that was refused, or the end of the connection that signed in.
    pub(super) failure: Option<String>,
    /// Whether the connection that did not sign in again was closed after its token's expiry; none if it did not come to that.
    pub(super) is_idle_closed: Option<bool>,
}

/// `renewing` and `idle` are signed in with `token`.
pub(super) fn watch(
    provider: &Provider,
    token: &Arc<Token>,
    renewing: &mut Connection,
    idle: &mut Connection,
    mut tell: impl FnMut(&str),
) -> Evidence {
    let (start, validity) = (Instant::now(), left(token));
    let mut evidence =
        Evidence { first: token.version(), last: token.version(), validity, ..Evidence::default() };
    let end = start + validity + GRACE;
    tell(&format!(
        "watching until the token has expired and a little longer: {} s",
        (validity + GRACE).as_secs()
    ));
    while Instant::now() < end && evidence.failure.is_none() {
        sleep(LOOK);
        if let Some(newer) = provider.current().filter(|current| current.version() > evidence.last) {
            evidence.last = newer.version();
            evidence.failure = refused(sign_in(renewing, &newer, provider));
            tell(&format!("signed in with token version {}", newer.version()));
        } else if renewing.is_closed() {
            evidence.failure = Some("the connection ended".to_owned());
        }
        if start.elapsed() > validity && evidence.is_idle_closed != Some(true) {
            evidence.is_idle_closed = Some(idle.is_closed());
        }
        if evidence.is_idle_closed == Some(true) && evidence.last > evidence.first {
            break;
        }
    }
    Evidence { watched: start.elapsed(), ..evidence }
}

fn left(token: &Token) -> Duration {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Duration::from_millis(token.expires_unix_ms()).saturating_sub(now)
}

fn refused(outcome: Outcome) -> Option<String> {
    match outcome {
        Outcome::Accepted => None,
        Outcome::Refused { explanation, .. } => Some(explanation),
        Outcome::Odd(text) => Some(text),
    }
}

pub(super) fn diagnose(evidence: Option<&Evidence>) -> Finding {
    let Some(evidence) = evidence else { return Finding::skipped(STEP, "--watch follows a full rotation") };
    let seen = [format!(
        "watched for {} s: token versions {} to {}, the first valid for {} s",
        evidence.watched.as_secs(),
        evidence.first,
        evidence.last,
        evidence.validity.as_secs()
    )];
    let is_early = evidence.watched < evidence.validity;
    let finding = match (&evidence.failure, evidence.last > evidence.first) {
        (Some(failure), is_renewed) if is_renewed || is_early => {
            let text = format!("The connection did not outlive its token: {failure}");
            Finding::problem(STEP, [Cause::new("rotation_failed", text)])
        }
        (_, false) => Finding::problem(
            STEP,
            [Cause::new(
                "not_renewed",
                "No newer token came before the first one expired: its source repeats it, or does not answer.",
            )],
        ),
        (_, true) => Finding::ok(STEP).noted((evidence.is_idle_closed == Some(true)).then(closes)),
    };
    finding.seen(seen)
}

fn closes() -> Cause {
    let text = "A connection that does not sign in again is closed when its token expires, as was seen. A program whose \
                connections end after an hour (or a day) does not send AUTH with new tokens: let an adapter of entrakey's \
                do it, or set the client's re-authentication (Lettuce: ReauthenticateBehavior.ON_NEW_CREDENTIALS).";
    Cause::new("closes_without_reauth", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_is_one_only_with_a_newer_token_that_was_taken() {
        let seen = |last, failure: Option<&str>, closed| Evidence {
            first: 1,
            last,
            failure: failure.map(str::to_owned),
            is_idle_closed: closed,
            ..Evidence::default()
        };
        let id = |evidence: &Evidence| {
            let finding = diagnose(Some(evidence));
            finding.causes.first().or(finding.notes.first()).map(|cause| cause.id)
        };
        assert_eq!(id(&seen(2, None, Some(true))), Some("closes_without_reauth"));
        assert_eq!(id(&seen(2, None, Some(false))), None);
        assert_eq!(id(&seen(1, Some("the connection ended"), None)), Some("not_renewed"));
        let early =
            Evidence { validity: Duration::from_secs(60), ..seen(1, Some("the connection ended"), None) };
        assert_eq!(id(&early), Some("rotation_failed"), "long before its end");
        assert_eq!(id(&seen(2, Some("refused"), None)), Some("rotation_failed"));
    }
}
