//! One client and its server connection, as a machine without I/O: bytes and facts go in, bytes and deeds come out.
//!
//! What the client sends is passed on request by request ([`asking`], [`fate`]); [`Owed`] keeps what the server will
//! answer, and whose each reply is ([`answering`], [`pushes`]). So an AUTH can be put between two requests, and its
//! answer taken out again ([`authenticating`], [`waiting`]).
//!
//! One thing reaches out: where a node of a cluster is found ([`elsewhere`]) is asked of [`Announced`], which opens a port
//! for one that nobody has heard of, so that it listens before its reply is passed on.

mod answering;
mod asking;
mod authenticating;
mod elsewhere;
mod fate;
mod hello;
mod pushes;
#[cfg(test)]
mod tests;
mod waiting;

use crate::LocalPassword;
use crate::blocked::Block;
use crate::cluster::Announced;
use crate::credentials::Credentials;
use crate::ended::{By, Ended};
use crate::outbox::Outbox;
use crate::owed::{Owed, Protocol};
use crate::scan::{Frame, Malformed};
use crate::silence::Silence;
use crate::subscriber::{Phase, Subscriber};
use crate::transaction::Transaction;
use crate::wire;
use answering::Route;
use asking::{Seen, Transit};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) use authenticating::Verdict;

/// What whoever drives a session has to do.
#[derive(Debug)]
pub(crate) enum Deed {
    /// An AUTH was answered.
    Report(Verdict),
    /// The client has to give the local password from now on, and may not take for ever.
    AwaitPassword,
    /// End the command that waits, from another connection; then [`Session::take_unblock_answer`].
    Unblock { id: u64, streams: Vec<Vec<u8>> },
}

/// The state of both connections.
pub(crate) struct Session {
    /// To the server.
    pub(crate) up: Outbox,
    /// To the client.
    pub(crate) down: Outbox,
    password: Option<LocalPassword>,
    /// The client has given the local password, or there is none.
    admitted: bool,
    wrong_passwords: u32,
    /// A request that was taken may have had a password in it.
    has_secret: bool,
    /// The client's.
    protocol: Protocol,
    silence: Silence,
    transaction: Transaction,
    subscriber: Subscriber,
    /// The last request sent on was ASKING or CLIENT CACHING: what follows has to be the command that it is for.
    prelude: Option<Prelude>,
    monitors: bool,
    /// How far a request has been looked through that has to be whole.
    seen: Option<Seen>,
    /// A request that is only partly there.
    transit: Option<Transit>,
    owed: Owed,
    /// The reply that is coming in, and where it goes.
    frame: Frame,
    route: Route,
    /// Where clients find the nodes, if this may be a cluster.
    announced: Option<Announced>,
    /// Of an answer about the nodes, what has come.
    gathered: Vec<u8>,
    /// What the connection is authenticated with; none before there is one.
    credentials: Option<Arc<Credentials>>,
    /// What it is to be authenticated with at the next opportunity.
    due: Option<Arc<Credentials>>,
    /// This server forbids ECHO.
    echo_is_forbidden: bool,
    auth_is_under_way: bool,
    id: Id,
    block: Option<Block>,
    block_is_silent: bool,
    /// The end of a command was asked for, and it is not known yet whether that has met it: it could meet another.
    is_unblocking: bool,
    /// The client's next request has been read, and waits for an answer to an earlier one.
    waits: bool,
    wants_upstream: bool,
    deeds: Vec<Deed>,
    end: Option<Ended>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prelude {
    Asking,
    Caching,
}

/// What the server calls the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Id {
    Unasked,
    Asked,
    Known(u64),
    /// It does not say.
    Untold,
}

impl Session {
    pub(crate) fn new(password: Option<LocalPassword>) -> Self {
        Self {
            up: Outbox::default(),
            down: Outbox::default(),
            admitted: password.is_none(),
            deeds: password.iter().map(|_| Deed::AwaitPassword).collect(),
            password,
            wrong_passwords: 0,
            has_secret: false,
            protocol: Protocol::Two,
            silence: Silence::default(),
            transaction: Transaction::default(),
            subscriber: Subscriber::default(),
            prelude: None,
            monitors: false,
            seen: None,
            transit: None,
            owed: Owed::default(),
            frame: Frame::default(),
            route: Route::Client,
            announced: None,
            gathered: Vec::new(),
            credentials: None,
            due: None,
            echo_is_forbidden: false,
            auth_is_under_way: false,
            id: Id::Unasked,
            block: None,
            block_is_silent: false,
            is_unblocking: false,
            waits: false,
            wants_upstream: false,
            end: None,
        }
    }

    /// Clients are told of local ports instead of the nodes' own.
    pub(crate) fn announcing(self, announced: Option<Announced>) -> Self {
        Self { announced, ..self }
    }

    /// Takes of what the client has sent as much as can be taken now; how much that is.
    pub(crate) fn take_from_client(&mut self, input: &[u8], now: Instant) -> usize {
        let taken = self.take_requests(input, now);
        self.settle();
        taken
    }

    /// Takes of what the server has sent as much as can be taken now; how much that is.
    pub(crate) fn take_from_upstream(&mut self, input: &[u8], now: Instant) -> usize {
        let taken = self.take_replies(input, now).unwrap_or_else(|Malformed| {
            self.finish(Ended::badly(By::Upstream, "The server sent what is no reply of a Redis."));
            input.len()
        });
        self.settle();
        taken
    }

    /// Whether a request waits for a server connection.
    pub(crate) fn wants_upstream(&self) -> bool {
        self.wants_upstream && self.credentials.is_none() && self.end.is_none()
    }

    /// There is a server connection, authenticated with these.
    pub(crate) fn attach(&mut self, credentials: Arc<Credentials>) {
        self.credentials = Some(credentials);
    }

    /// There will be none: the client is told why.
    pub(crate) fn refuse(&mut self, ended: Ended) {
        self.down.push(&wire::error(&format!("ERR entrakey proxy: {ended}")));
        self.finish(ended);
    }

    /// There will be none, and other nodes know where to go on: a client asks them when it is turned away, and takes an
    /// error for an answer.
    pub(crate) fn turn_away(&mut self, ended: Ended) {
        self.finish(ended);
    }

    /// Whether the client's next bytes are of no use before something else has happened.
    pub(crate) fn is_held(&self) -> bool {
        self.end.is_some()
            || (self.transit.is_none() && (self.waits || self.holds()))
            || self.wants_upstream()
    }

    /// Whether a reply may still come that the client waits for. What waits at the server may come never.
    pub(crate) fn owes(&self) -> bool {
        !self.owed.is_empty() && !self.owed.has_block()
    }

    /// For how long the token that the connection is on is still good.
    pub(crate) fn time_left(&self) -> Duration {
        self.credentials.as_ref().map_or(Duration::ZERO, |credentials| credentials.time_left())
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.credentials.is_some()
    }

    /// Whether the client has given the local password, or there is none.
    pub(crate) fn is_admitted(&self) -> bool {
        self.admitted
    }

    /// Whether what was taken since the last call had a password in it, or what was not taken may have one.
    pub(crate) fn take_secret(&mut self) -> bool {
        std::mem::take(&mut self.has_secret) || !self.is_connected()
    }

    pub(crate) fn take_deeds(&mut self) -> Vec<Deed> {
        std::mem::take(&mut self.deeds)
    }

    /// Tries with a wrong local password since the last call.
    pub(crate) fn take_wrong_passwords(&mut self) -> u32 {
        std::mem::take(&mut self.wrong_passwords)
    }

    /// How it has ended, as soon as it has. What is in `down` is still to be sent.
    pub(crate) fn end(&self) -> Option<&Ended> {
        self.end.as_ref()
    }

    fn finish(&mut self, ended: Ended) {
        self.end.get_or_insert(ended);
    }

    /// Between two requests: nothing of the client's may follow yet.
    fn holds(&self) -> bool {
        self.owed.is_full()
            || self.subscriber.holds(self.protocol)
            || self.block.is_some()
            || self.owed.has_barrier()
            || (self.owed.has_hello() && self.subscriber.is_subscribed())
    }

    /// Does what has become possible, or necessary.
    fn settle(&mut self) {
        if self.end.is_some() || self.transit.is_some() {
            return;
        }
        self.adjust_protocol();
        self.authenticate_if_due();
    }

    /// A RESP2 client's server connection speaks RESP3 exactly as long as something is subscribed.
    fn adjust_protocol(&mut self) {
        let (phase, subscribed) = (self.subscriber.phase, self.subscriber.is_subscribed());
        let is_quiet = self.subscriber.under_way == 0 && !self.transaction.is_open();
        match (self.protocol, phase) {
            (Protocol::Two, Phase::Translating) if !subscribed && is_quiet => self.leave_three(),
            (Protocol::Two, Phase::Direct) if subscribed && is_quiet => self.enter_three(),
            (_, Phase::Stuck) if !subscribed && is_quiet => self.subscriber.phase = Phase::Direct,
            _ => {}
        }
    }
}
