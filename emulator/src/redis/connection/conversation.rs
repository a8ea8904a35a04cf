//! The loop of a connection.

use super::Connection;
use super::deadline::{sleep_until, until};
use super::ending::Ending;
use super::output::SubscriberLimit;
use super::wire::{Step, Wire};
use crate::redis::blocked::Waiting;
use crate::redis::cache::Cache;
use crate::redis::clients::Client;
use crate::redis::cluster::Node;
use crate::redis::commands::Outcome;
use crate::redis::faults::Effect;
use crate::redis::reply::Reply;
use crate::redis::request;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_rustls::server::TlsStream;

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
pub(in crate::redis) async fn run(
    cache: Arc<Cache>,
    node: Arc<Node>,
    client: Arc<Client>,
    stream: TlsStream<TcpStream>,
) {
    let (outbox, inbox) = mpsc::unbounded_channel();
    let mut connection = Connection::new(cache, node, client, outbox);
    let mut at = Conversation {
        wire: Wire::new(stream),
        blocked: None,
        limit: SubscriberLimit::default(),
        stalled: false,
        reset: false,
    };
    let ended = converse(&mut connection, &mut at, inbox).await;
    let Connection { cache, client, session, .. } = &mut connection;
    cache.hub.forget(client.id);
    session.end(cache, ended == Ending::ByToken);
    if at.reset {
        at.wire.reset();
    }
}

async fn converse(
    connection: &mut Connection,
    at: &mut Conversation,
    mut inbox: mpsc::UnboundedReceiver<Reply>,
) -> Ending {
    let (cache, client, node) =
        (connection.cache.clone(), connection.client.clone(), connection.node.clone());
    loop {
        let expires = connection.session.expires();
        let expired = until(&cache.clock, expires);
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
                return Ending::Otherwise;
            }
            let (deadline, patience) = (at.blocked.as_ref().and_then(Waiting::deadline), at.limit.deadline());
            tokio::select! {
                biased;
                () = &mut expired => return Ending::ByToken,
                () = client.ended.notified() => return Ending::Otherwise,
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
                    Moved::Wire(Err(_)) => return Ending::ByClient,
                },
            }
            if connection.quitting {
                let _ = at.wire.finish().await;
                return Ending::ByClient;
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

/// Answers every complete request that has come, in order, until one has to wait or the client has to read.
async fn answer_all(connection: &mut Connection, at: &mut Conversation) -> Result<(), Ending> {
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
        let effect = match connection.cache.fault(&words) {
            None => Effect::Nothing,
            Some(fault) => {
                let (cache, expires) = (connection.cache.clone(), connection.session.expires());
                cache.perform(&fault, &connection.client, expires, &mut at.wire).await?
            }
        };
        match effect {
            Effect::Nothing => match connection.answer(&words) {
                Outcome::Reply(reply) => connection.reply(at, reply),
                Outcome::Wait(blocked) => at.blocked = Some(Waiting::new(blocked)),
            },
            Effect::Answer(reply) => connection.reply(at, reply),
            Effect::Stalled => at.stalled = true,
            Effect::Reset => {
                at.reset = true;
                return Err(Ending::Otherwise);
            }
        }
    }
    connection.session.flush_counts(&connection.cache);
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
