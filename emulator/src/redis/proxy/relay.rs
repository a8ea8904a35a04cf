//! One client behind the gate.

use super::backend::Backend;
use super::channels::{Change, Channels};
use super::replies;
use super::upstream::Upstream;
use crate::redis::clients::{Client, Details};
use crate::redis::commands::connection::{HELLO_WITHOUT_AUTH, Hello, credentials_of_auth, parse_hello};
use crate::redis::commands::{self, only_for_subscribers, unknown};
use crate::redis::connection::{Ended, Happened, NO_AUTH, Step, Wire, until};
use crate::redis::faults::Fault;
use crate::redis::plane::Plane;
use crate::redis::reply::{OK, Reply};
use crate::redis::request;
use crate::redis::session::{Credentials, Session};
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// What the server behind takes for AUTH and its like, which do nothing. It is on this machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a server says that has done it.
const OK_LINE: &[u8] = b"+OK\r\n";

struct Relay {
    plane: Arc<Plane>,
    backend: Arc<Backend>,
    client: Arc<Client>,
    session: Session,
    wire: Wire<TlsStream<TcpStream>>,
    upstream: Upstream,
    /// What is owed for requests that were passed on.
    pending: VecDeque<Pending>,
    /// A request that waits until nothing is owed any more.
    held: Option<Held>,
    transaction: Option<Transaction>,
    channels: Channels,
    quitting: bool,
    stalled: bool,
    reset: bool,
}

enum Pending {
    Reply,
    Confirmations(Change),
    /// A transaction begins if the server says so: it may refuse MULTI.
    Multi,
    /// It ends if the server says so.
    Discard,
    /// It ends, whatever the server says.
    Exec,
}

/// A request that has its turn when every earlier one has its reply, and what was scripted for it.
struct Held {
    words: Vec<Bytes>,
    fault: Option<Fault>,
}

/// Between MULTI and EXEC. AUTH is queued there like any command; what comes of it is known at EXEC.
#[derive(Default)]
struct Transaction {
    queued: usize,
    auths: Vec<(usize, Credentials)>,
}

/// Serves a connection until it ends, for whatever reason.
pub(in crate::redis) async fn run(
    plane: Arc<Plane>,
    backend: Arc<Backend>,
    client: Arc<Client>,
    stream: TlsStream<TcpStream>,
) {
    let upstream = match backend.open().await {
        Ok(upstream) => upstream,
        Err(error) => {
            return plane.world.log.note(format_args!("the server behind does not answer: {error}"));
        }
    };
    let mut relay = Relay {
        plane,
        backend,
        client,
        session: Session::default(),
        wire: Wire::new(stream),
        upstream,
        pending: VecDeque::new(),
        held: None,
        transaction: None,
        channels: Channels::default(),
        quitting: false,
        stalled: false,
        reset: false,
    };
    let ended = relay.converse().await;
    relay.session.end(&relay.plane, ended == Ended::ByToken);
    if relay.reset {
        relay.wire.reset();
    }
}

/// An error on the way to the server behind.
fn broken(_: std::io::Error) -> Ended {
    Ended::Otherwise
}

impl Relay {
    async fn converse(&mut self) -> Ended {
        let (plane, client) = (self.plane.clone(), self.client.clone());
        loop {
            let expires = self.session.expires();
            let expired = until(&plane.world.clock, expires);
            tokio::pin!(expired);
            while self.session.expires() == expires {
                let moved = tokio::select! {
                    biased;
                    () = &mut expired => return Ended::ByToken,
                    () = client.ended.notified() => return Ended::Otherwise,
                    step = self.upstream.wire.step() => step.map_err(broken),
                    step = self.wire.step() => step.map_err(|_| Ended::ByClient),
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
                    return Ended::ByClient;
                }
            }
        }
    }

    /// Passes on what has come, in both directions.
    async fn go_on(&mut self) -> Result<(), Ended> {
        self.take_replies().map_err(broken)?;
        while !self.quitting && !self.stalled {
            if self.held.is_some() && !self.pending.is_empty() {
                break;
            }
            if let Some(held) = self.held.take() {
                self.take_turn(held).await?;
                continue;
            }
            match request::next(&mut self.wire.input, self.session.is_authenticated()) {
                Ok(Some(words)) => match self.plane.fault(&words) {
                    None if !self.is_to_wait(&words) => self.pass_on(&words),
                    fault => self.held = Some(Held { words, fault }),
                },
                Ok(None) => break,
                Err(reason) => {
                    self.reply(Reply::error(format!("ERR Protocol error: {reason}")));
                    self.quitting = true;
                }
            }
        }
        self.session.flush_counts(&self.plane);
        Ok(())
    }

    /// What was scripted for a request that has waited, and its answer.
    async fn take_turn(&mut self, Held { words, fault }: Held) -> Result<(), Ended> {
        if let Some(fault) = fault {
            let (plane, expires) = (self.plane.clone(), self.session.expires());
            match plane.suffer(&fault, &self.client, expires, &mut self.wire).await? {
                Happened::Nothing => (),
                Happened::Answer(reply) => {
                    self.reply(reply);
                    return Ok(());
                }
                Happened::Stalled => {
                    self.stalled = true;
                    return Ok(());
                }
                Happened::Reset => {
                    self.reset = true;
                    return Err(Ended::Otherwise);
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

    fn reply(&mut self, reply: Reply) {
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
    fn refusal(&self, words: &[Bytes]) -> Option<Reply> {
        let (name, second) =
            (name_of(words), words.get(1).map(|word| String::from_utf8_lossy(word).into_owned()));
        let second = second.unwrap_or_default();
        let uncounted = name == "MONITOR" || name == "CLIENT" && second.eq_ignore_ascii_case("REPLY");
        (uncounted || self.plane.options.family.is_blocked(&name, &second)).then(|| unknown(words))
    }

    fn pass_on(&mut self, words: &[Bytes]) {
        let name = name_of(words);
        if let Ok(found) = commands::find(words) {
            self.client.ran(found.index);
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
    fn queue_auth(&mut self, credentials: Credentials) {
        if let Some(transaction) = &mut self.transaction {
            transaction.auths.push((transaction.queued, credentials));
        }
        self.upstream.send(&["AUTH", "nobody", "-"]);
        self.pending.push_back(Pending::Reply);
    }

    /// Hands the client what has come, and strikes off what was owed.
    fn take_replies(&mut self) -> std::io::Result<()> {
        while let Some(reply) = self.upstream.next()? {
            if !replies::is_unasked(&reply, self.channels.any()) {
                self.strike_off(&reply);
            }
            if !self.stalled {
                self.wire.output.extend_from_slice(&reply);
            }
        }
        Ok(())
    }

    fn strike_off(&mut self, reply: &[u8]) {
        let complete = match self.pending.front_mut() {
            Some(Pending::Confirmations(change)) => {
                let confirms = replies::words(reply).next() == Some(change.kind.as_bytes());
                if confirms {
                    self.channels.confirmed(reply);
                    change.left -= 1;
                }
                !confirms || change.left == 0 // refused, queued by MULTI, or the last
            }
            _ => true,
        };
        if let Some(transaction) = &mut self.transaction {
            transaction.queued += usize::from(reply == b"+QUEUED\r\n");
        }
        if !complete {
            return;
        }
        match self.pending.pop_front() {
            Some(Pending::Multi) if reply == OK_LINE => self.transaction = Some(Transaction::default()),
            Some(Pending::Discard) if reply == OK_LINE => self.transaction = None,
            Some(Pending::Exec) => self.transaction = None,
            _ => (),
        }
    }

    /// Answers a request that has waited.
    async fn decide(&mut self, words: Vec<Bytes>) -> Result<(), Ended> {
        let name = name_of(&words);
        let in_resp2_subscribed = self.upstream.protocol == 2 && self.channels.any();
        match name.as_str() {
            "AUTH" if self.transaction.is_some() => match credentials_of_auth(&words) {
                Some(credentials) => self.queue_auth(credentials),
                None => self.pass_on(&words),
            },
            // It would speak for somebody whom only the gate knows: what cannot be queued spoils the rest.
            "HELLO" if self.transaction.is_some() => {
                self.upstream.send(&["HELLO-INSIDE-MULTI"]);
                self.pending.push_back(Pending::Reply);
            }
            "AUTH" | "HELLO" if in_resp2_subscribed => {
                self.reply(only_for_subscribers(&name.to_ascii_lowercase()))
            }
            "AUTH" => match credentials_of_auth(&words) {
                None => self.reply(Reply::error("ERR syntax error")),
                Some(credentials) => {
                    let reply = self.authenticate(&credentials).await?.map_or_else(Reply::error, |()| OK);
                    self.reply(reply);
                }
            },
            "HELLO" => self.hello(&words).await?,
            "QUIT" => {
                self.reply(OK);
                self.quitting = true;
            }
            "RESET" => self.start_over().await?,
            _ if !self.session.is_authenticated() => self.reply(Reply::error(NO_AUTH)),
            "EXEC" => self.execute().await?,
            _ => match self.refusal(&words) {
                Some(refusal) => self.reply(refusal),
                None => self.pass_on(&words),
            },
        }
        Ok(())
    }

    /// Checks credentials and, if they are good, makes the server behind take the client for their owner.
    async fn authenticate(&mut self, credentials: &Credentials) -> Result<Result<(), &'static str>, Ended> {
        let plane = self.plane.clone();
        if let Err(refused) = self.session.authenticate(&plane, credentials) {
            return Ok(Err(refused));
        }
        let (user, backend) = (self.session.user().to_owned(), self.backend.clone());
        if !self.log_in(&user).await? {
            // Another emulator in front of the same server has made this user its own.
            backend.forget(&user).await;
            if !self.log_in(&user).await? {
                plane.world.log.note(format_args!("the server behind refuses {user}"));
                return Err(Ended::Otherwise);
            }
        }
        user.clone_into(&mut self.client.details().user);
        Ok(Ok(()))
    }

    /// False if the server behind refuses.
    async fn log_in(&mut self, user: &str) -> Result<bool, Ended> {
        let (plane, backend) = (self.plane.clone(), self.backend.clone());
        if let Some(permissions) = self.session.permissions(&plane.world.policies).cloned()
            && let Err(said) = backend.assign(user, &permissions).await
        {
            self.reply(Reply::error(format!("ERR the access policy of {user} cannot be had: {said}")));
            let _ = self.wire.finish().await;
            return Err(Ended::Otherwise);
        }
        Ok(!self.exchange(&backend.credentials(user)).await?.starts_with(b"-"))
    }

    async fn hello(&mut self, words: &[Bytes]) -> Result<(), Ended> {
        let answer = match parse_hello(words) {
            Ok(hello) => self.greet(hello).await?,
            Err(refused) => Err(refused),
        };
        match answer {
            Ok(greeting) => self.wire.output.extend_from_slice(&greeting),
            Err(refused) => self.reply(refused),
        }
        Ok(())
    }

    /// The server's own greeting, or why there is none.
    async fn greet(&mut self, hello: Hello) -> Result<Result<Bytes, Reply>, Ended> {
        if let Some(credentials) = &hello.credentials
            && let Err(refused) = self.authenticate(credentials).await?
        {
            return Ok(Err(Reply::error(refused)));
        }
        if !self.session.is_authenticated() {
            return Ok(Err(Reply::error(HELLO_WITHOUT_AUTH)));
        }
        let before = self.upstream.protocol;
        let protocol = hello.protocol.unwrap_or(before);
        let number = protocol.to_string();
        let mut request: Vec<&[u8]> = vec![b"HELLO", number.as_bytes()];
        if let Some(name) = &hello.name {
            request.extend([&b"SETNAME"[..], name.as_bytes()]);
        }
        self.upstream.protocol = protocol; // its reply is in the new one
        let greeting = self.exchange(&request).await?;
        if greeting.starts_with(b"-") {
            self.upstream.protocol = before;
        }
        self.client.details().resp = self.upstream.protocol;
        Ok(Ok(greeting))
    }

    /// RESET: nobody is authenticated any more.
    async fn start_over(&mut self) -> Result<(), Ended> {
        self.session.reset();
        self.channels = Channels::default();
        self.transaction = None;
        let reply = self.exchange(&[b"RESET"]).await?;
        self.upstream.protocol = 2;
        *self.client.details() = Details::default();
        self.wire.output.extend_from_slice(&reply);
        Ok(())
    }

    /// EXEC of a transaction with an AUTH in it.
    async fn execute(&mut self) -> Result<(), Ended> {
        let transaction = self.transaction.take().unwrap_or_default();
        let reply = self.exchange(&[b"EXEC"]).await?;
        let mut truth = Vec::new();
        for (place, credentials) in transaction.auths {
            if !reply.starts_with(b"*") || reply.starts_with(b"*-1") {
                break; // nothing was executed
            }
            let outcome = self.authenticate(&credentials).await?.map_or_else(Reply::error, |()| OK);
            let mut bytes = BytesMut::new();
            let _ = outcome.write(self.upstream.protocol, &mut bytes); // it always fits
            truth.push((place, bytes.to_vec()));
        }
        let told = replies::replaced(&reply, self.upstream.protocol, &truth);
        self.wire.output.extend_from_slice(told.as_deref().unwrap_or(&reply));
        Ok(())
    }

    /// Asks the server behind and waits for the answer. Nothing else is owed.
    async fn exchange(&mut self, words: &[&[u8]]) -> Result<Bytes, Ended> {
        self.upstream.send(words);
        let answered = async {
            loop {
                match self.upstream.next().map_err(broken)? {
                    Some(reply) if replies::is_unasked(&reply, self.channels.any()) => {
                        self.wire.output.extend_from_slice(&reply);
                    }
                    Some(reply) => return Ok(reply),
                    None => _ = self.upstream.wire.step().await.map_err(broken)?,
                }
            }
        };
        tokio::time::timeout(PATIENCE, answered).await.unwrap_or(Err(Ended::Otherwise))
    }
}

fn name_of(words: &[Bytes]) -> String {
    words.first().map(|word| String::from_utf8_lossy(word).to_ascii_uppercase()).unwrap_or_default()
}
