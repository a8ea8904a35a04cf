//! One connection: reads requests, answers them in order, delivers messages, and ends when its token does.

use super::commands::{self, Gate};
use super::plane::Plane;
use super::reply::Reply;
use super::request;
use super::session::Session;
use crate::world::stop_signal;
use bytes::{Bytes, BytesMut};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_rustls::server::TlsStream;

/// What commands see of the connection that they came over.
pub(super) struct Connection {
    pub(super) id: u64,
    pub(super) plane: Arc<Plane>,
    pub(super) session: Session,
    /// RESP 2 or 3.
    pub(super) protocol: u8,
    /// How many channels and patterns it listens to.
    pub(super) subscriptions: usize,
    /// What others publish to it.
    pub(super) outbox: mpsc::UnboundedSender<Reply>,
    /// The client asked to be let go.
    pub(super) quitting: bool,
}

/// Serves a connection until it ends, for whatever reason.
pub(super) async fn run(
    plane: Arc<Plane>,
    stream: TlsStream<TcpStream>,
    peer: SocketAddr,
    stopped: watch::Receiver<bool>,
) {
    let (outbox, inbox) = mpsc::unbounded_channel();
    let mut connection = Connection {
        id: plane.clients.add(peer),
        plane,
        session: Session::default(),
        protocol: 2,
        subscriptions: 0,
        outbox,
        quitting: false,
    };
    let expired = converse(&mut connection, stream, inbox, stopped).await;
    connection.plane.hub.forget(connection.id);
    connection.plane.clients.remove(connection.id);
    connection.session.end(&connection.plane, expired);
}

/// True if the connection ended because its token expired.
async fn converse(
    connection: &mut Connection,
    mut stream: TlsStream<TcpStream>,
    mut inbox: mpsc::UnboundedReceiver<Reply>,
    mut stopped: watch::Receiver<bool>,
) -> bool {
    let (mut input, mut output) = (BytesMut::with_capacity(4096), BytesMut::with_capacity(4096));
    loop {
        let (expires, world) = (connection.session.expires(), connection.plane.world.clone());
        tokio::select! {
            biased;
            () = world.clock.reached(expires.unwrap_or_default()), if expires.is_some() => return true,
            () = stop_signal(&mut stopped) => return false,
            message = inbox.recv() => if let Some(message) = message {
                let _ = message.write(connection.protocol, &mut output); // a message always fits its protocol
            },
            read = stream.read_buf(&mut input) => match read {
                Ok(1..) => answer_all(connection, &mut input, &mut output),
                _ => return false,
            },
        }
        if stream.write_all_buf(&mut output).await.is_err() || stream.flush().await.is_err() {
            return false;
        }
        if connection.quitting {
            let _ = stream.shutdown().await;
            return false;
        }
    }
}

/// Answers every complete request in the buffer, in order.
fn answer_all(connection: &mut Connection, input: &mut BytesMut, output: &mut BytesMut) {
    while !connection.quitting {
        let reply = match request::next(input, connection.session.is_authenticated()) {
            Ok(None) => return,
            Ok(Some(words)) => connection.answer(&words),
            Err(reason) => {
                connection.quitting = true;
                Reply::error(format!("ERR Protocol error: {reason}"))
            }
        };
        // AUTH and its like may have changed the protocol: HELLO's own reply is in the new one.
        let _ = reply.write(connection.protocol, output);
    }
}

impl Connection {
    fn answer(&mut self, words: &[Bytes]) -> Reply {
        let command = match commands::find(words) {
            Ok(command) => command,
            Err(unknown) if self.session.is_authenticated() => return unknown,
            Err(_) => return Reply::error(commands::NO_AUTH),
        };
        let name = command.name.to_ascii_lowercase();
        if let Err(refusal) = self.admit(command, &name) {
            return refusal;
        }
        self.plane.clients.update(self.id, |client| {
            client.last = Instant::now();
            client.command.clone_from(&name);
        });
        if !matches!(command.gate, Gate::Open | Gate::Connection) {
            self.session.count_command(&self.plane);
        }
        match command.name {
            "AUTH" => commands::connection::auth(self, words),
            "HELLO" => commands::connection::hello(self, words),
            _ => (command.run)(self, words),
        }
    }

    /// Whether this connection may run the command now.
    fn admit(&self, command: &commands::Command, name: &str) -> Result<(), Reply> {
        use crate::identities::Access;
        if !self.session.is_authenticated() && command.gate != Gate::Open {
            return Err(Reply::error(commands::NO_AUTH));
        }
        if self.protocol == 2 && self.subscriptions > 0 && !command.while_subscribed {
            return Err(Reply::error(format!(
                "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed \
                 in this context"
            )));
        }
        if command.gate == Gate::Write && self.session.access() == Some(Access::Reader) {
            let user = self.session.user();
            return Err(Reply::error(format!(
                "NOPERM User {user} has no permissions to run the '{name}' command"
            )));
        }
        Ok(())
    }
}
