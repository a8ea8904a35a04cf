//! One connection: reads requests, answers them in order, delivers messages, and ends when its token does.

mod admission;
mod blocked;
mod output;
mod scripted;
mod transaction;
mod wire;

pub(super) use admission::NO_AUTH;
pub(super) use blocked::{Blocked, End};
pub(super) use output::SubscriberLimit;
pub(super) use scripted::Happened;
pub(super) use transaction::{Transaction, aborted};
pub(super) use wire::{Step, Wire};

use super::clients::Client;
use super::cluster::Node;
use super::commands::Outcome;
use super::plane::Plane;
use super::pubsub::Subscribed;
use super::reply::Reply;
use super::request;
use super::session::Session;
use blocked::Waiting;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_rustls::server::TlsStream;

/// What commands see of the connection that they came over.
pub(super) struct Connection {
    pub(super) client: Arc<Client>,
    pub(super) plane: Arc<Plane>,
    pub(super) node: Arc<Node>,
    pub(super) session: Session,
    /// RESP 2 or 3.
    pub(super) protocol: u8,
    pub(super) subscribed: Subscribed,
    pub(super) transaction: Transaction,
    /// What others publish to it.
    pub(super) outbox: mpsc::UnboundedSender<Reply>,
    /// The client asked to be let go.
    pub(super) quitting: bool,
}

/// Why a conversation ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    ByClient,
    ByToken,
    /// The connection was closed from elsewhere, by a fault, or as it broke.
    Otherwise,
}

/// A conversation, as far as it has come.
struct Conversation {
    wire: Wire<TlsStream<TcpStream>>,
    /// A command that waits for an element of a list; requests behind it wait too.
    blocked: Option<Waiting>,
    limit: SubscriberLimit,
    /// A fault: nothing is answered any more.
    stalled: bool,
    /// A fault: the connection is to be closed with a reset.
    reset: bool,
}

/// Serves a connection until it ends, for whatever reason.
pub(super) async fn run(
    plane: Arc<Plane>,
    node: Arc<Node>,
    client: Arc<Client>,
    stream: TlsStream<TcpStream>,
) {
    let (outbox, inbox) = mpsc::unbounded_channel();
    let mut connection = Connection {
        client,
        plane,
        node,
        session: Session::default(),
        protocol: 2,
        subscribed: Subscribed::default(),
        transaction: Transaction::default(),
        outbox,
        quitting: false,
    };
    let mut at = Conversation {
        wire: Wire::new(stream),
        blocked: None,
        limit: SubscriberLimit::default(),
        stalled: false,
        reset: false,
    };
    let ended = converse(&mut connection, &mut at, inbox).await;
    let Connection { plane, client, session, .. } = &mut connection;
    plane.hub.forget(client.id);
    session.end(plane, ended == Ended::ByToken);
    if at.reset {
        at.wire.reset();
    }
}

async fn converse(
    connection: &mut Connection,
    at: &mut Conversation,
    mut inbox: mpsc::UnboundedReceiver<Reply>,
) -> Ended {
    let (plane, client, node) =
        (connection.plane.clone(), connection.client.clone(), connection.node.clone());
    loop {
        let expires = connection.session.expires();
        let expired = until(&plane.clock, expires);
        tokio::pin!(expired);
        while connection.session.expires() == expires {
            let pushed = node.store.pushed.notified();
            tokio::pin!(pushed);
            pushed.as_mut().enable(); // before the look: what is pushed in between counts
            let found = at.blocked.as_ref().and_then(|waiting| waiting.look(&mut node.store.lock()));
            if let Some(reply) = found {
                connection.reply(at, reply);
                if at.blocked.take().is_some_and(|waiting| waiting.moves()) {
                    node.store.pushed.notify_waiters(); // it has come to another list
                }
                if let Err(ended) = answer_all(connection, at).await {
                    return ended;
                }
                continue;
            }
            let behind = at.wire.output.len();
            if at.limit.is_exceeded(connection.subscribed.any(), behind, Instant::now()) {
                return Ended::Otherwise;
            }
            let (deadline, patience) = (at.blocked.as_ref().and_then(Waiting::deadline), at.limit.deadline());
            tokio::select! {
                biased;
                () = &mut expired => return Ended::ByToken,
                () = client.ended.notified() => return Ended::Otherwise,
                () = sleep_until(patience), if patience.is_some() => (),
                () = &mut pushed, if at.blocked.is_some() => (),
                () = sleep_until(deadline), if deadline.is_some() => {
                    at.blocked.as_mut().into_iter().for_each(Waiting::give_up);
                }
                moved = moved(&mut inbox, at) => match moved {
                    Moved::Message(message) => connection.reply(at, message),
                    // What was sent may have made room for more answers.
                    Moved::Wire(Ok(_)) => if let Err(ended) = answer_all(connection, at).await {
                        return ended;
                    },
                    Moved::Wire(Err(_)) => return Ended::ByClient,
                },
            }
            if connection.quitting {
                let _ = at.wire.finish().await;
                return Ended::ByClient;
            }
        }
    }
}

/// What has come, or gone.
enum Moved {
    Message(Reply),
    Wire(std::io::Result<Step>),
}

/// Neither keeps the other waiting: whoever is told a lot has to be able to read it.
async fn moved(inbox: &mut mpsc::UnboundedReceiver<Reply>, at: &mut Conversation) -> Moved {
    let answers = at.blocked.is_none() && !at.stalled && !at.wire.is_full();
    let receives = at.wire.takes_more(answers);
    tokio::select! {
        Some(message) = inbox.recv() => Moved::Message(message),
        step = at.wire.step(receives) => Moved::Wire(step),
    }
}

/// Resolves when the clock shows the time; never without one.
pub(super) async fn until(clock: &crate::clock::Clock, at: Option<Duration>) {
    match at {
        Some(at) => clock.reached(at).await,
        None => std::future::pending().await,
    }
}

pub(super) async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Answers every complete request that has come, in order, until one has to wait or the client has to read.
async fn answer_all(connection: &mut Connection, at: &mut Conversation) -> Result<(), Ended> {
    while !connection.quitting && !at.stalled && at.blocked.is_none() && !at.wire.is_full() {
        let words = match request::next(&mut at.wire.input, connection.session.is_authenticated()) {
            Ok(None) => break,
            Ok(Some(words)) => words,
            Err(reason) => {
                connection.quitting = true;
                connection.reply(at, Reply::error(format!("ERR Protocol error: {reason}")));
                break;
            }
        };
        let happened = match connection.plane.fault(&words) {
            None => Happened::Nothing,
            Some(fault) => {
                let (plane, expires) = (connection.plane.clone(), connection.session.expires());
                plane.suffer(&fault, &connection.client, expires, &mut at.wire).await?
            }
        };
        match happened {
            Happened::Nothing => match connection.answer(&words) {
                Outcome::Reply(reply) => connection.reply(at, reply),
                Outcome::Wait(blocked) => at.blocked = Some(Waiting::new(blocked)),
            },
            Happened::Answer(reply) => connection.reply(at, reply),
            Happened::Stalled => at.stalled = true,
            Happened::Reset => {
                at.reset = true;
                return Err(Ended::Otherwise);
            }
        }
    }
    connection.session.flush_counts(&connection.plane);
    Ok(())
}

impl Connection {
    /// AUTH and its like may have changed the protocol: HELLO's own reply is in the new one.
    fn reply(&self, at: &mut Conversation, reply: Reply) {
        if !at.stalled {
            let _ = reply.write(self.protocol, &mut at.wire.output); // a reply always fits its protocol
        }
    }
}
