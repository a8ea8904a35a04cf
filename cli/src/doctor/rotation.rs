//! A full rotation, watched: a connection that signs in with each new token stays, and one that does not is closed.

use super::auth::sign_in;
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
/// By how much the server's clock may be ahead of this one: an end that is earlier is not the expiry's.
const AHEAD: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// The versions of the tokens that were seen.
    pub(super) first: u64,
    pub(super) last: u64,
    /// How long it was watched, and how long the first token was valid.
    pub(super) watched: Duration,
    pub(super) validity: Duration,
    /// What ended the connection that signs in with each new token.
    pub(super) failure: Option<Failure>,
    /// What became of the connection that does not sign in again.
    pub(super) idle: Idle,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It signed in with a newer token, and was not let in: why.
    SignIn(String),
    /// It ended by itself, after so long.
    Ended(Duration),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Idle {
    #[default]
    Open,
    /// It was found closed after so long.
    Ended(Duration),
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
        if evidence.idle == Idle::Open && idle.is_closed() {
            evidence.idle = Idle::Ended(start.elapsed());
        }
        if renewing.is_closed() {
            evidence.failure = Some(Failure::Ended(start.elapsed()));
        } else if let Some(newer) = provider.current().filter(|current| current.version() > evidence.last) {
            evidence.last = newer.version();
            evidence.failure = sign_in(renewing, &newer, provider).failure().map(Failure::SignIn);
            tell(&format!("signed in with token version {}", newer.version()));
        }
        let is_over = matches!(evidence.idle, Idle::Ended(after) if !is_early(after, validity));
        if is_over && evidence.last > evidence.first {
            break;
        }
    }
    Evidence { watched: start.elapsed(), ..evidence }
}

/// Whether a connection ended before the token that it was signed in with can have been the reason.
fn is_early(after: Duration, validity: Duration) -> bool {
    after + AHEAD < validity
}

fn left(token: &Token) -> Duration {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Duration::from_millis(token.expires_unix_ms()).saturating_sub(now)
}

pub(super) fn diagnose(evidence: Option<&Evidence>) -> Finding {
    let Some(evidence) = evidence else { return Finding::skipped(STEP, "--watch follows a full rotation") };
    let validity = evidence.validity;
    let seen = [format!(
        "watched for {} s: token versions {} to {}, the first valid for {} s",
        evidence.watched.as_secs(),
        evidence.first,
        evidence.last,
        validity.as_secs()
    )];
    let is_renewed = evidence.last > evidence.first;
    let finding = match &evidence.failure {
        Some(Failure::Ended(after)) if is_early(*after, validity) => {
            Finding::problem(STEP, [ended_early(*after, validity)])
        }
        Some(Failure::SignIn(why)) => {
            let text = format!("The connection was not let in with the newer token: {why}");
            Finding::problem(STEP, [Cause::new("rotation_failed", text)])
        }
        _ if !is_renewed => Finding::problem(
            STEP,
            [Cause::new(
                "not_renewed",
                "No newer token came before the first one expired: its source repeats it, or does not answer.",
            )],
        ),
        Some(Failure::Ended(_)) => {
            let text = "The connection ended when its first token had expired, although it had signed in with a newer one.";
            Finding::problem(STEP, [Cause::new("rotation_failed", text)])
        }
        None => Finding::ok(STEP),
    };
    let note = match evidence.idle {
        Idle::Ended(after) if is_early(after, validity) => {
            let is_told = matches!(evidence.failure, Some(Failure::Ended(_)));
            (!is_told).then(|| ended_early(after, validity))
        }
        Idle::Ended(_) if is_renewed => Some(closes()),
        _ => None,
    };
    finding.noted(note).seen(seen)
}

fn ended_early(after: Duration, validity: Duration) -> Cause {
    let text = format!(
        "A connection ended {} s before its token expired: not by the rotation. The server closed it (a restart, \
         maintenance, access keys or an access policy that were changed end every connection or this user's), or something \
         between here and there did.",
        validity.saturating_sub(after).as_secs()
    );
    Cause::new("ended_before_its_token", text)
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
        let seconds = Duration::from_secs;
        let refused = || Some(Failure::SignIn("refused".to_owned()));
        let ended = |after| Some(Failure::Ended(seconds(after)));
        let closed = |after| Idle::Ended(seconds(after));
        for (last, failure, idle, causes, notes) in [
            (2, None, closed(60), vec![], vec!["closes_without_reauth"]),
            (2, None, closed(59), vec![], vec!["closes_without_reauth"]), // the server's clock is ahead
            (2, None, closed(20), vec![], vec!["ended_before_its_token"]),
            (2, None, Idle::Open, vec![], vec![]),
            (2, refused(), Idle::Open, vec!["rotation_failed"], vec![]),
            (2, ended(61), Idle::Open, vec!["rotation_failed"], vec![]),
            (1, ended(60), closed(60), vec!["not_renewed"], vec![]),
            (1, None, Idle::Open, vec!["not_renewed"], vec![]),
            (1, ended(4), closed(4), vec!["ended_before_its_token"], vec![]),
            (2, ended(50), Idle::Open, vec!["ended_before_its_token"], vec![]),
        ] {
            let told = format!("{last} {failure:?} {idle:?}");
            let evidence =
                Evidence { first: 1, last, failure, idle, validity: seconds(60), watched: seconds(61) };
            let finding = diagnose(Some(&evidence));
            let ids = |causes: &[Cause]| causes.iter().map(|cause| cause.id).collect::<Vec<_>>();
            assert_eq!((ids(&finding.causes), ids(&finding.notes)), (causes, notes), "{told}");
        }
        let early = Evidence { validity: seconds(60), failure: ended(4), ..Evidence::default() };
        let text = &diagnose(Some(&early)).causes[0].text;
        assert!(text.contains("56 s before its token") && text.contains("not by the rotation"), "{text}");
    }
}
