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
    let mut conversation = Conversation {
        wire: Wire::new(stream),
        blocked: None,
        limit: SubscriberLimit::default(),
        stalled: false,
        reset: false,
    };
    let ending = converse(&mut connection, &mut conversation, inbox).await;
    connection.end_tracking();
    let Connection { cache, client, session, .. } = &mut connection;
    cache.hub.forget(client.id);
    session.end(cache, ending == Ending::ByToken);
    if conversation.reset {
        conversation.wire.reset();
    }
}

async fn converse(
    connection: &mut Connection,
    conversation: &mut Conversation,
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
            let found =
                conversation.blocked.as_ref().and_then(|waiting| client.wait.attempt(waiting, &node.store));
            if let Some(reply) = found {
                connection.reply(conversation, reply);
                if conversation.blocked.take().is_some_and(|waiting| waiting.moves()) {
                    node.store.pushed.notify_waiters(); // it has come to another list
                }
                if let Err(ending) = answer_all(connection, conversation).await {
                    return ending;
                }
                continue;
            }
            let behind = conversation.wire.output.len();
            if conversation.limit.is_exceeded(connection.subscriptions.any(), behind, Instant::now()) {
                return Ending::Otherwise;
            }
            let (deadline, patience) =
                (conversation.blocked.as_ref().and_then(Waiting::deadline), conversation.limit.deadline());
            tokio::select! {
                biased;
                () = &mut expired => return Ending::ByToken,
                () = client.ended.notified() => return Ending::Otherwise,
                () = sleep_until(patience), if patience.is_some() => (),
                () = &mut pushed, if conversation.blocked.is_some() => (),
                () = client.wait.ended.notified(), if conversation.blocked.is_some() => (),
                () = sleep_until(deadline), if deadline.is_some() => {
                    conversation.blocked.as_mut().into_iter().for_each(Waiting::give_up);
                }
                activity = activity(&mut inbox, conversation) => match activity {
                    Activity::Message(message) => connection.reply(conversation, message),
                    // What was sent may have made room for more answers.
                    Activity::Wire(Ok(_)) => {
                        // A message that was published before a request came is not told after its answer.
                        while let Ok(message) = inbox.try_recv() {
                            connection.reply(conversation, message);
                        }
                        if let Err(ending) = answer_all(connection, conversation).await {
                            return ending;
                        }
                    }
                    Activity::Wire(Err(_)) => return Ending::ByClient,
                },
            }
            if connection.quitting {
                let _ = conversation.wire.finish().await;
                return Ending::ByClient;
            }
        }
    }
}

/// What a connection does next: it delivers a message, or bytes come or go.
enum Activity {
    Message(Reply),
    Wire(std::io::Result<Step>),
}

/// Waits for both: a client that gets many messages has to be able to read them.
async fn activity(inbox: &mut mpsc::UnboundedReceiver<Reply>, conversation: &mut Conversation) -> Activity {
    let answers = conversation.blocked.is_none() && !conversation.stalled && !conversation.wire.is_full();
    let receives = conversation.wire.takes_more(answers);
    tokio::select! {
        Some(message) = inbox.recv() => Activity::Message(message),
        step = conversation.wire.step(receives) => Activity::Wire(step),
    }
}

/// Answers every complete request that has come, in order, until one has to wait or the client has to read.
async fn answer_all(connection: &mut Connection, conversation: &mut Conversation) -> Result<(), Ending> {
    while !connection.quitting
        && !conversation.stalled
        && conversation.blocked.is_none()
        && !conversation.wire.is_full()
    {
        let words = match request::next(&mut conversation.wire.input, connection.session.is_authenticated()) {
            Ok(None) => break,
            Ok(Some(words)) if request::is_http(&words) => return Err(Ending::Otherwise),
            Ok(Some(words)) => words,
            Err(reason) => {
                connection.quitting = true;
                connection.reply(conversation, Reply::error(format!("ERR Protocol error: {reason}")));
                break;
            }
        };
        let effect = match connection.cache.fault(&words) {
            None => Effect::Nothing,
            Some(fault) => {
                let (cache, expires) = (connection.cache.clone(), connection.session.expires());
                cache.perform(&fault, &connection.client, expires, &mut conversation.wire).await?
            }
        };
        match effect {
            Effect::Nothing => match connection.answer(&words) {
                Outcome::Reply(reply) => connection.reply(conversation, reply),
                Outcome::Wait(blocked) => {
                    connection.client.wait.begin();
                    conversation.blocked = Some(Waiting::new(blocked));
                }
            },
            Effect::Answer(reply) => connection.reply(conversation, reply),
            Effect::Stalled => conversation.stalled = true,
            Effect::Reset => {
                conversation.reset = true;
                return Err(Ending::Otherwise);
            }
        }
    }
    connection.session.flush_counts(&connection.cache);
    Ok(())
}

impl Connection {
    /// AUTH and its like may have changed the protocol: HELLO's own reply is in the new one.
    fn reply(&self, conversation: &mut Conversation, reply: Reply) {
        if !conversation.stalled {
            let _ = reply.write(self.protocol, &mut conversation.wire.output); // a reply always fits its protocol
        }
    }
}
