//! AUTH between two requests, and its answer taken out again.
//!
//! Redis 7.2 and later send no error for a failed AUTH while other replies are pending. So each AUTH is followed by
//! `ECHO <nonce>`: what comes before the nonce is AUTH's answer, and if nothing does, that is a refusal. Where ECHO is
//! forbidden, a command that does not exist takes its place: its error needs no permission and names it.

use super::{Deed, Id, Session};
use crate::blocked::Release;
use crate::commands::Channels;
use crate::credentials::Credentials;
use crate::ended::{By, Ended};
use crate::owed::{Auth, Confirmations, Entry, Meaning, Ours, Protocol};
use crate::subscriber::Phase;
use crate::wire;
use entrakey_core::Refusal;
use std::sync::Arc;

/// What is taken for said if nothing is.
const DROPPED: &str = "WRONGPASS (the server has dropped the error of this AUTH, as Redis 7.2 and later do)";

/// What became of an AUTH.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) version: u64,
    /// What the server said, if it let the token not in.
    pub(crate) outcome: Result<(), String>,
}

impl Session {
    /// The connection is to be authenticated with these, as soon as that disturbs nothing.
    pub(crate) fn authenticate(&mut self, credentials: Arc<Credentials>) {
        self.due = Some(credentials);
        if let Some(block) = &mut self.block
            && matches!(block.release, Release::Failed)
        {
            block.release = Release::No; // another try
        }
        self.settle();
    }

    /// Whether an AUTH waits for its moment, or for its answer.
    pub(crate) fn is_behind(&self) -> bool {
        self.due.is_some() || self.auth_is_under_way
    }

    pub(super) fn authenticate_if_due(&mut self) {
        let may = self.credentials.is_some()
            && !self.auth_is_under_way
            && !self.transaction.is_open()
            && self.prelude.is_none()
            && self.subscriber.takes_auth()
            && !(self.owed.has_hello() && self.subscriber.is_subscribed())
            && !self.owed.has_barrier();
        if self.due.is_none() || !may {
            return;
        }
        if self.block.is_some() {
            self.release_block();
        } else if let Some(credentials) = self.due.take() {
            self.send_auth(credentials, false);
        }
    }

    pub(super) fn send_auth(&mut self, credentials: Arc<Credentials>, is_needed: bool) {
        let nonce = format!("{:032x}", fastrand::u128(..));
        self.up.push_secret(&credentials.request);
        match self.echo_is_forbidden {
            false => self.up.push(&wire::request(&["ECHO", &nonce])),
            true => self.up.push(&wire::request(&[&nonce])),
        }
        self.auth_is_under_way = true;
        self.owed.push(Entry::Ours(Ours::Auth(Auth { credentials, nonce, verdict: None, is_needed })));
    }

    /// A reply while an AUTH is what is owed next; false if it cannot be one.
    pub(super) fn take_auth_answer(&mut self, reply: &[u8]) -> bool {
        let Some(Entry::Ours(Ours::Auth(auth))) = self.owed.head() else { return false };
        match answer(auth, reply) {
            Answer::Accepted => auth.verdict = Some(Ok(())),
            Answer::Refused(message) => auth.verdict = Some(Err(message)),
            Answer::Marker { is_forbidden } => {
                self.echo_is_forbidden |= is_forbidden;
                self.conclude_auth();
            }
            Answer::Unexpected => return false,
        }
        true
    }

    fn conclude_auth(&mut self) {
        let Some(Entry::Ours(Ours::Auth(auth))) = self.owed.pop() else { return };
        self.auth_is_under_way = false;
        let version = auth.credentials.version;
        let outcome = auth.verdict.unwrap_or_else(|| Err(DROPPED.to_owned()));
        match &outcome {
            Ok(()) => self.credentials = Some(auth.credentials),
            Err(_) if auth.is_needed => {
                let why = "After RESET the server did not let the token in again.";
                self.finish(Ended::badly(By::Upstream, why));
            }
            Err(_) => {} // it keeps the user that it has
        }
        self.deeds.push(Deed::Report(Verdict { version, outcome }));
    }

    /// RESET takes the user away. What follows waits until there is one again.
    pub(super) fn send_reset(&mut self) {
        if self.transaction.is_open() {
            self.ask(&["DISCARD"], Ours::Ignored); // or the AUTH would be queued where there is no RESET
        }
        self.transaction.reset();
        self.silence.reset();
        self.prelude = None;
        self.up.push(&wire::request(&["RESET"]));
        self.owed.push(Entry::Reply { meaning: Meaning::Reset, silent: false });
        if let Some(credentials) = self.due.take().or_else(|| self.credentials.clone()) {
            self.send_auth(credentials, true);
        }
    }

    /// The server has answered RESET with RESET.
    pub(super) fn finish_reset(&mut self) {
        self.protocol = Protocol::Two;
        self.subscriber.reset();
        self.monitors = false;
        self.forget_admission();
    }

    /// The client has to give the local password again, if there is one.
    fn forget_admission(&mut self) {
        self.admitted = self.password.is_none();
        self.deeds.extend((!self.admitted).then_some(Deed::AwaitPassword));
    }

    /// This server has no RESET: what it does is done one by one.
    pub(super) fn play_reset(&mut self) {
        self.ask(&["UNWATCH"], Ours::Ignored);
        for (channels, name) in [
            (Channels::Plain, "UNSUBSCRIBE"),
            (Channels::Pattern, "PUNSUBSCRIBE"),
            (Channels::Shard, "SUNSUBSCRIBE"),
        ] {
            if self.subscriber.count(channels) > 0 {
                self.up.push(&wire::request(&[name]));
                self.subscriber.under_way += 1;
                let hidden = Confirmations {
                    channels,
                    enters: false,
                    names: None,
                    left: None,
                    silent: true,
                    is_hidden: true,
                };
                self.owed.push(Entry::Confirmations(hidden));
            }
        }
        if self.protocol == Protocol::Three {
            self.protocol = Protocol::Two;
            self.subscriber.phase = Phase::Translating; // HELLO 2 follows when nothing is subscribed any more
        }
        self.ask(&["SELECT", "0"], Ours::Ignored);
        self.forget_admission();
    }

    pub(super) fn enter_three(&mut self) {
        self.subscriber.phase = Phase::Entering;
        self.ask(&["HELLO", "3"], Ours::ToThree);
    }

    pub(super) fn leave_three(&mut self) {
        self.subscriber.phase = Phase::Leaving;
        self.ask(&["HELLO", "2"], Ours::ToTwo);
    }

    /// What came in between has used it up.
    pub(super) fn repeat_asking(&mut self) {
        self.ask(&["ASKING"], Ours::Ignored);
    }

    pub(super) fn ask(&mut self, words: &[&str], ours: Ours) {
        self.up.push(&wire::request(words));
        self.owed.push(Entry::Ours(ours));
    }

    /// A reply to a question of the proxy's own, an AUTH excepted.
    pub(super) fn take_own_answer(&mut self, reply: &[u8]) {
        let Some(Entry::Ours(ours)) = self.owed.pop() else { return };
        let failed = reply.starts_with(b"-");
        match ours {
            Ours::ToThree if failed => self.subscriber.phase = Phase::Stuck,
            Ours::ToThree => self.subscriber.phase = Phase::Translating,
            Ours::ToTwo => self.subscriber.phase = Phase::Direct,
            Ours::ClientId => self.id = wire::integer(reply).map_or(Id::Untold, Id::Known),
            Ours::Ignored | Ours::Auth(_) => {}
        }
    }
}

/// What a reply says while an AUTH is owed.
enum Answer {
    Accepted,
    Refused(String),
    /// It is the marker's, whatever it says.
    Marker {
        is_forbidden: bool,
    },
    Unexpected,
}

/// What Redis says of a command while it runs a script, loads its data, has lost its primary, or to nobody.
const OF_ECHO: [&str; 4] = ["BUSY ", "LOADING ", "MASTERDOWN ", "NOAUTH "];

fn answer(auth: &Auth, reply: &[u8]) -> Answer {
    if wire::text(reply) == Some(auth.nonce.as_bytes()) {
        return Answer::Marker { is_forbidden: false };
    }
    let Some(message) = wire::error_text(reply) else {
        return if reply == b"+OK\r\n" && auth.verdict.is_none() {
            Answer::Accepted
        } else {
            Answer::Unexpected
        };
    };
    let refusal = Refusal::read(&message);
    if auth.verdict.is_some() || message.contains(&auth.nonce) {
        return Answer::Marker { is_forbidden: refusal == Some(Refusal::Permission) };
    }
    match refusal {
        Some(Refusal::Credentials) => Answer::Refused(message),
        Some(Refusal::Permission) => Answer::Marker { is_forbidden: true },
        None if message.starts_with("ERR ") => Answer::Refused(message),
        // These do not meet AUTH, and nobody has to be signed in for it: they are ECHO's.
        _ if OF_ECHO.iter().any(|code| message.starts_with(code)) => Answer::Marker { is_forbidden: false },
        // Whose it is nobody knows: from here on a reply might go to the wrong request.
        _ => Answer::Unexpected,
    }
}
