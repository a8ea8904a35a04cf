//! The listener, and what its connections share.

use super::clients::Clients;
use super::connection;
use super::pubsub::Hub;
use super::store::Store;
use crate::world::{World, stop_signal};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// One Redis, which can be stopped and started again with its data.
pub(crate) struct Plane {
    pub(super) world: Arc<World>,
    pub(super) store: Store,
    pub(super) hub: Hub,
    pub(super) clients: Clients,
    pub(super) port: u16,
    acceptor: TlsAcceptor,
    running: Mutex<Option<Running>>,
}

/// A listener and its connections, and how to end them.
struct Running {
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Plane {
    pub(crate) fn new(world: Arc<World>, acceptor: TlsAcceptor, port: u16) -> Self {
        Self {
            world,
            store: Store::default(),
            hub: Hub::default(),
            clients: Clients::default(),
            port,
            acceptor,
            running: Mutex::new(None),
        }
    }

    /// Accepts connections until [`Plane::stop`].
    pub(crate) fn serve(self: &Arc<Self>, listener: TcpListener) {
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept(self.clone(), listener, stopped));
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(Running { stop, accepting });
    }

    pub(crate) async fn start(self: &Arc<Self>) -> io::Result<()> {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await?;
        self.serve(listener);
        self.world.log.note(format_args!("the Redis plane listens again"));
        Ok(())
    }

    /// Closes the listener and every connection. The data stays. Once this returns, the port is free.
    pub(crate) async fn stop(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Running { stop, accepting }) = running {
            stop.send_replace(true);
            let _ = accepting.await; // an error is a panic of its own, and the listener gone with it
            self.world.log.note(format_args!("the Redis plane was stopped"));
        }
    }
}

async fn accept(plane: Arc<Plane>, listener: TcpListener, mut stopped: watch::Receiver<bool>) {
    let for_connections = stopped.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, peer)) = accepted {
                let (plane, stopped) = (plane.clone(), for_connections.clone());
                tokio::spawn(async move {
                    let _ = stream.set_nodelay(true); // replies are small; without it they only come later
                    if let Ok(stream) = plane.acceptor.accept(stream).await {
                        connection::run(plane, stream, peer, stopped).await;
                    }
                });
            },
            () = stop_signal(&mut stopped) => return,
        }
    }
}
