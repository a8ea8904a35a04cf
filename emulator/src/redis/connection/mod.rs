//! One connection: reads requests, answers them in order, delivers messages, and ends when its token does.

mod admission;
mod blocked;
mod transaction;

pub(super) use blocked::{Blocked, End, Waiting};
pub(super) use transaction::Transaction;

use super::clients::Client;
use super::cluster::Node;
use super::commands::Outcome;
use super::faults::{Fault, Point};
use super::plane::Plane;
use super::pubsub::Subscribed;
use super::reply::Reply;
use super::request;
use super::session::{Session, refusal};
use bytes::{Bytes, BytesMut};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::server::TlsStream;

/// A read takes as much as there is, and this much at least: a pipeline should not come in pieces.
const READ_SIZE: usize = 16 * 1024;

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
    let ended = converse(&mut connection, stream, inbox).await;
    let Connection { plane, client, session, .. } = &mut connection;
    plane.hub.forget(client.id);
    session.end(plane, ended == Ended::ByToken);
}

/// What the conversation is at.
struct Buffers {
    input: BytesMut,
    output: BytesMut,
    /// A command that waits for an element of a list; requests behind it wait too.
    blocked: Option<Waiting>,
    /// A fault: nothing is answered any more.
    stalled: bool,
}

async fn converse(
    connection: &mut Connection,
    mut stream: TlsStream<TcpStream>,
    mut inbox: mpsc::UnboundedReceiver<Reply>,
) -> Ended {
    let fresh = || BytesMut::with_capacity(READ_SIZE);
    let mut at = Buffers { input: fresh(), output: fresh(), blocked: None, stalled: false };
    let (world, client, node) =
        (connection.plane.world.clone(), connection.client.clone(), connection.node.clone());
    loop {
        let expires = connection.session.expires();
        let expired = until(&world.clock, expires);
        tokio::pin!(expired);
        while connection.session.expires() == expires {
            let pushed = node.store.pushed.notified();
            tokio::pin!(pushed);
            pushed.as_mut().enable(); // before the look: what is pushed in between counts
            let found = at.blocked.as_ref().and_then(|waiting| waiting.look(&mut node.store.lock()));
            if let Some(reply) = found {
                let _ = reply.write(connection.protocol, &mut at.output);
                at.blocked = None;
                if let Err(ended) = answer_all(connection, &mut at, &mut stream).await {
                    return ended;
                }
            } else {
                let deadline = at.blocked.as_ref().and_then(Waiting::deadline);
                tokio::select! {
                    biased;
                    () = &mut expired => return Ended::ByToken,
                    () = client.ended.notified() => return Ended::Otherwise,
                    message = inbox.recv() => if let Some(message) = message {
                        let _ = message.write(connection.protocol, &mut at.output); // it always fits its protocol
                    },
                    () = &mut pushed, if at.blocked.is_some() => continue,
                    () = sleep_until(deadline), if deadline.is_some() => {
                        at.blocked.as_mut().into_iter().for_each(Waiting::give_up);
                        continue;
                    }
                    read = stream.read_buf(&mut at.input) => match read {
                        Ok(1..) => if let Err(ended) = answer_all(connection, &mut at, &mut stream).await {
                            return ended;
                        },
                        _ => return Ended::ByClient,
                    },
                }
            }
            if !at.stalled
                && (stream.write_all_buf(&mut at.output).await.is_err() || stream.flush().await.is_err())
            {
                return Ended::ByClient;
            }
            if connection.quitting {
                let _ = stream.shutdown().await;
                return Ended::ByClient;
            }
        }
    }
}

/// Resolves when the clock shows the time; never without one.
async fn until(clock: &crate::clock::Clock, at: Option<Duration>) {
    match at {
        Some(at) => clock.reached(at).await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Answers every complete request in the buffer, in order, until one has to wait.
async fn answer_all(
    connection: &mut Connection,
    at: &mut Buffers,
    stream: &mut TlsStream<TcpStream>,
) -> Result<(), Ended> {
    while !connection.quitting && !at.stalled && at.blocked.is_none() {
        let outcome = match request::next(&mut at.input, connection.session.is_authenticated()) {
            Ok(None) => break,
            Ok(Some(words)) => match connection.plane.fault(&words) {
                None => connection.answer(&words),
                Some(fault) => match suffer(&fault, connection, &words, at, stream).await? {
                    Some(outcome) => outcome,
                    None => break,
                },
            },
            Err(reason) => {
                connection.quitting = true;
                Outcome::Reply(Reply::error(format!("ERR Protocol error: {reason}")))
            }
        };
        match outcome {
            // AUTH and its like may have changed the protocol: HELLO's own reply is in the new one.
            Outcome::Reply(reply) => drop(reply.write(connection.protocol, &mut at.output)),
            Outcome::Wait(blocked) => at.blocked = Some(Waiting::new(blocked)),
        }
    }
    connection.session.flush_counts(&connection.plane);
    Ok(())
}

/// Does what was scripted; the outcome of the command if it is answered all the same.
async fn suffer(
    fault: &Fault,
    connection: &mut Connection,
    words: &[Bytes],
    at: &mut Buffers,
    stream: &mut TlsStream<TcpStream>,
) -> Result<Option<Outcome>, Ended> {
    let plane = connection.plane.clone();
    plane.world.log.note(format_args!("a scripted fault at {:?}", fault.on));
    if fault.delay_ms > 0 {
        // What was answered before is not late.
        let sent = stream.write_all_buf(&mut at.output).await.is_ok() && stream.flush().await.is_ok();
        tokio::select! {
            () = tokio::time::sleep(fault.delay()), if sent => (),
            () = until(&plane.world.clock, connection.session.expires()) => return Err(Ended::ByToken),
            () = connection.client.ended.notified() => return Err(Ended::Otherwise),
        }
    }
    if fault.reset {
        let _ = stream.get_ref().0.set_zero_linger(); // then closing it sends a reset
        return Err(Ended::Otherwise);
    }
    if fault.close {
        let _ = stream.write_all_buf(&mut at.output).await;
        let _ = stream.shutdown().await;
        return Err(Ended::Otherwise);
    }
    at.stalled = fault.stall;
    if fault.stall {
        return Ok(None);
    }
    Ok(Some(match (fault.refuse, &fault.error) {
        (true, _) => Outcome::Reply(Reply::error(refusal(plane.options.dialect()))),
        (_, Some(text)) => Outcome::Reply(Reply::error(text.clone())),
        _ => connection.answer(words),
    }))
}

impl Plane {
    /// What was scripted for the request.
    pub(super) fn fault(&self, words: &[Bytes]) -> Option<Fault> {
        let name = std::str::from_utf8(words.first()?).ok()?;
        let authenticates = name.eq_ignore_ascii_case("AUTH")
            || name.eq_ignore_ascii_case("HELLO")
                && words.iter().any(|word| word.eq_ignore_ascii_case(b"AUTH"));
        self.faults.next(if authenticates { Point::Auth } else { Point::Command }, name)
    }
}
