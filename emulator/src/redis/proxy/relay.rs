//! One client behind the gate.

use super::backend::{Backend, UNCOUNTED};
use super::channels::{Change, Channels};
use super::replies;
use super::upstream::Upstream;
use crate::redis::cache::Cache;
use crate::redis::clients::Client;
use crate::redis::commands::unknown;
use crate::redis::connection::{Ending, Step, SubscriberLimit, Wire, sleep_until, until};
use crate::redis::faults::{Effect, RedisFault};
use crate::redis::options::is_command;
use crate::redis::reply::Reply;
use crate::redis::request;
use crate::redis::session::{Credentials, Session};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::server::TlsStream;

/// The reply of a server that has done what it was asked.
const OK_LINE: &[u8] = b"+OK\r\n";

/// A client, the server behind, and what stands between them.
pub(super) struct Relay {
    pub(super) cache: Arc<Cache>,
    pub(super) backend: Arc<Backend>,
    pub(super) client: Arc<Client>,
    pub(super) session: Session,
    pub(super) wire: Wire<TlsStream<TcpStream>>,
    pub(super) upstream: Upstream,
    /// The replies that the server owes for requests that were passed on.
    pub(super) pending: VecDeque<Pending>,
    /// A request that waits until nothing is owed any more.
    pub(super) waiting: Option<WaitingRequest>,
    pub(super) transaction: Option<Transaction>,
    pub(super) channels: Channels,
    limit: SubscriberLimit,
    pub(super) quitting: bool,
    pub(super) stalled: bool,
    pub(super) reset: bool,
}

pub(super) enum Pending {
    Reply,
    Confirmations(Change),
    /// A transaction begins if the server says so: it may refuse MULTI.
    Multi,
    /// The transaction ends if the server says so.
    Discard,
    /// The transaction ends, whatever the server says.
    Exec,
    /// EXEC has been answered, but not all that was run in it: a request that enters several channels is one element of
    /// the array and has several replies, which push those behind it out of the array.
    Executed(QueuedRequests),
}

/// The queued requests that have not been answered yet: each a change of channels, or (None) any other request.
pub(super) type QueuedRequests = VecDeque<Option<Change>>;

/// A request that has its turn when every earlier one has its reply, and what was scripted for it.
pub(super) struct WaitingRequest {
    words: Vec<Bytes>,
    fault: Option<RedisFault>,
}

/// Between MULTI and EXEC. AUTH is queued there like any command; what comes of it is known at EXEC.
#[derive(Default)]
pub(super) struct Transaction {
    pub(super) queued: QueuedRequests,
    /// The credentials of each AUTH, with its place among the queued requests.
    pub(super) auths: Vec<(usize, Credentials)>,
}

/// Serves a connection until it ends, for whatever reason.
pub(in crate::redis) async fn run(
    cache: Arc<Cache>,
    backend: Arc<Backend>,
    client: Arc<Client>,
    stream: TlsStream<TcpStream>,
) {
    let upstream = match backend.open().await {
        Ok(upstream) => upstream,
        Err(error) => {
            return cache.witness.log.note(format_args!("the server behind does not answer: {error}"));
        }
    };
    let mut relay = Relay {
        cache,
        backend,
        client,
        session: Session::default(),
        wire: Wire::new(stream),
        upstream,
        pending: VecDeque::new(),
        waiting: None,
        transaction: None,
        channels: Channels::default(),
        limit: SubscriberLimit::default(),
        quitting: false,
        stalled: false,
        reset: false,
    };
    let ended = relay.converse().await;
    relay.session.end(&relay.cache, ended == Ending::ByToken);
    if relay.reset {
        relay.wire.reset();
    }
}

/// An error on the way to the server behind.
pub(super) fn broken(_: std::io::Error) -> Ending {
    Ending::Otherwise
}

impl Relay {
    async fn converse(&mut self) -> Ending {
        let (cache, client) = (self.cache.clone(), self.client.clone());
        loop {
            let expires = self.session.expires();
            let expired = until(&cache.clock, expires);
            tokio::pin!(expired);
            while self.session.expires() == expires {
                if self.limit.is_exceeded(self.channels.any(), self.wire.output.len(), Instant::now()) {
                    return Ending::Otherwise;
                }
                // What one side does not read stays with the other: the server behind has limits of its own. But a request that
                // waits for earlier replies has its turn also if the client does not read them, as at a server: AUTH does.
                let (full, patience) = (self.wire.is_full(), self.limit.deadline());
                let receives = !self.upstream.wire.is_full()
                    && self.wire.takes_more(!self.stalled && self.waiting.is_none());
                let moved = tokio::select! {
                    biased;
                    () = &mut expired => return Ending::ByToken,
                    () = client.ended.notified() => return Ending::Otherwise,
                    () = sleep_until(patience), if patience.is_some() => Ok(Step::Sent),
                    step = self.upstream.wire.step(!full || self.waiting.is_some()) => step.map_err(broken),
                    step = self.wire.step(receives) => step.map_err(|_| Ending::ByClient),
                };
                let went_on = match moved {
                    Ok(Step::Received) => self.go_on().await,
                    Ok(Step::Sent) => Ok(()),
                    Err(ended) => Err(ended),
                };
                if let Err(ended) = went_on {
                    return ended;
                }
                if self.quitting {
                    let _ = self.wire.finish().await;
                    return Ending::ByClient;
                }
            }
        }
    }

    /// Passes on what has come, in both directions.
    async fn go_on(&mut self) -> Result<(), Ending> {
        self.take_replies().map_err(broken)?;
        while !self.quitting && !self.stalled {
            if self.waiting.is_some() && !self.pending.is_empty() {
                break;
            }
            if let Some(waiting) = self.waiting.take() {
                self.take_turn(waiting).await?;
                self.take_replies().map_err(broken)?; // what has come behind an answer that was waited for
                continue;
            }
            match request::next(&mut self.wire.input, self.session.is_authenticated()) {
                Ok(Some(words)) if request::is_http(&words) => return Err(Ending::Otherwise),
                Ok(Some(words)) => match self.cache.fault(&words) {
                    None if !self.is_to_wait(&words) => self.pass_on(&words),
                    fault => self.waiting = Some(WaitingRequest { words, fault }),
                },
                Ok(None) => break,
                Err(reason) => {
                    self.reply(Reply::error(format!("ERR Protocol error: {reason}")));
                    self.quitting = true;
                }
            }
        }
        self.session.flush_counts(&self.cache);
        Ok(())
    }

    /// Carries out what was scripted for a request that has waited, and answers it.
    async fn take_turn(&mut self, WaitingRequest { words, fault }: WaitingRequest) -> Result<(), Ending> {
        if let Some(fault) = fault {
            let (cache, expires) = (self.cache.clone(), self.session.expires());
            match cache.perform(&fault, &self.client, expires, &mut self.wire).await? {
                Effect::Nothing => (),
                Effect::Answer(reply) => {
                    self.reply(reply);
                    return Ok(());
                }
                Effect::Stalled => {
                    self.stalled = true;
                    return Ok(());
                }
                Effect::Reset => {
                    self.reset = true;
                    return Err(Ending::Otherwise);
                }
            }
        }
        match self.is_to_wait(&words) {
            true => self.decide(words).await,
            false => {
                self.pass_on(&words);
                Ok(())
            }
        }
    }

    pub(super) fn reply(&mut self, reply: Reply) {
        let _ = reply.write(self.upstream.protocol, &mut self.wire.output); // a reply always fits its protocol
    }

    /// Whether the request is decided here, or has a reply that depends on what is still to come.
    fn is_to_wait(&self, words: &[Bytes]) -> bool {
        let name = name_of(words);
        match (name.as_str(), &self.transaction) {
            _ if !self.session.is_authenticated() => true,
            ("QUIT" | "RESET", _) => true,
            // Whether there is a transaction is known when MULTI, EXEC and DISCARD have their replies.
            ("AUTH" | "HELLO", _) => true,
            ("EXEC", Some(transaction)) => !transaction.auths.is_empty(),
            (_, Some(_)) => false,
            ("UNSUBSCRIBE" | "PUNSUBSCRIBE" | "SUNSUBSCRIBE", None) => words.len() == 1,
            (_, None) => self.refusal(words).is_some(),
        }
    }

    /// Commands that are blocked, and those whose replies could not be counted.
    pub(super) fn refusal(&self, words: &[Bytes]) -> Option<Reply> {
        let word = |index: usize| words.get(index).map(AsRef::as_ref).unwrap_or_default();
        let (first, second) = (word(0), word(1));
        let uncounted = UNCOUNTED.iter().any(|command| is_command(command, first, second));
        (uncounted || self.cache.options.family.is_blocked(first, second)).then(|| unknown(words))
    }

    pub(super) fn pass_on(&mut self, words: &[Bytes]) {
        let name = name_of(words);
        if let Ok(found) = self.cache.commands.find(words) {
            self.client.note_command(found.index);
        }
        self.session.count_command();
        let change = self.channels.change(words);
        self.pending.push_back(match name.as_str() {
            "MULTI" => Pending::Multi,
            "DISCARD" => Pending::Discard,
            "EXEC" => Pending::Exec,
            _ => change.map_or(Pending::Reply, Pending::Confirmations),
        });
        self.upstream.send(words);
    }

    /// The server behind queues one that fails, which does nothing; EXEC puts the truth in its place.
    pub(super) fn queue_auth(&mut self, credentials: Credentials) {
        if let Some(transaction) = &mut self.transaction {
            transaction.auths.push((transaction.queued.len(), credentials));
        }
        self.upstream.send(&["AUTH", "nobody", "-"]);
        self.pending.push_back(Pending::Reply);
    }

    /// Hands the client what has come, and strikes off what was owed.
    fn take_replies(&mut self) -> std::io::Result<()> {
        while let Some(reply) = self.upstream.next()? {
            if !self.note_unasked(&reply) {
                self.strike_off(&reply);
            }
            if !self.stalled {
                self.wire.output.extend_from_slice(&reply);
            }
        }
        Ok(())
    }

    /// Whether the server sent it by itself. A channel may have been taken away by that.
    pub(super) fn note_unasked(&mut self, reply: &[u8]) -> bool {
        let awaited = match self.pending.front() {
            Some(Pending::Confirmations(change)) => Some(change),
            Some(Pending::Executed(queued)) => queued.front().and_then(Option::as_ref),
            _ => None,
        };
        let is_unasked = replies::is_unasked(reply, self.channels.any(), awaited);
        if is_unasked {
            self.channels.noted(reply);
        }
        is_unasked
    }

    /// A reply to the first of the requests that are owed one.
    fn strike_off(&mut self, reply: &[u8]) {
        let is_queued = self.transaction.is_some() && reply == b"+QUEUED\r\n";
        match self.pending.pop_front() {
            Some(pending) if is_queued => self.queued(pending),
            Some(Pending::Confirmations(mut change)) => {
                let was_last = self.channels.answered(&mut change, reply);
                if !was_last {
                    self.pending.push_front(Pending::Confirmations(change));
                }
            }
            Some(Pending::Multi) if reply == OK_LINE => self.transaction = Some(Transaction::default()),
            Some(Pending::Discard) if reply == OK_LINE => self.transaction = None,
            Some(Pending::Exec) => {
                let transaction = self.transaction.take().unwrap_or_default();
                self.executed(reply, transaction.queued);
            }
            Some(Pending::Executed(mut queued)) => {
                self.strike_off_queued(&mut queued, reply);
                self.go_on_with(queued);
            }
            _ => (),
        }
    }

    fn queued(&mut self, pending: Pending) {
        let change = match pending {
            Pending::Confirmations(change) => Some(change),
            _ => None,
        };
        if let Some(transaction) = &mut self.transaction {
            transaction.queued.push_back(change);
        }
    }

    /// EXEC has its reply: what was queued has been run, unless it is an error or a null.
    pub(super) fn executed(&mut self, reply: &[u8], mut queued: QueuedRequests) {
        if let Some(elements) = replies::elements(reply) {
            elements.for_each(|element| self.strike_off_queued(&mut queued, element));
            self.go_on_with(queued);
        }
    }

    /// Takes a reply to the first of the queued requests.
    fn strike_off_queued(&mut self, queued: &mut QueuedRequests, reply: &[u8]) {
        if let Some(Some(change)) = queued.front_mut() {
            self.channels.settle(change);
            if !self.channels.answered(change, reply) {
                change.leaves_the_rest();
                return;
            }
        }
        queued.pop_front();
    }

    fn go_on_with(&mut self, queued: QueuedRequests) {
        if !queued.is_empty() {
            self.pending.push_front(Pending::Executed(queued));
        }
    }
}

pub(super) fn name_of(words: &[Bytes]) -> String {
    words.first().map(|word| String::from_utf8_lossy(word).to_ascii_uppercase()).unwrap_or_default()
}
