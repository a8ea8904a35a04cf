//! Where clients come in: TCP, with TLS or on loopback, and a Unix socket.

use crate::api::{UnixPeer, router};
use crate::dashboard::{Sessions, Transport};
use crate::manager::Manager;
use axum::{Extension, Router};
use entrakey_service::{
    Connections, Life, Log, Message, Patience, Places, Repeats, Severity, Shares, SocketFile, Stage, Taken,
    answer, user_of,
};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// After a failed `accept`: no more descriptors, most likely, and trying on at once would be a hot loop.
const PAUSE: Duration = Duration::from_millis(100);
/// Making a lease takes minutes where Entra is slow: only the head has to come soon.
const PATIENCE: Patience = Patience {
    head: Duration::from_secs(30),
    connection: Duration::from_secs(3600),
    last: Duration::from_secs(120), // a lease that is being made waits until Entra takes its secret
};
/// For a client's part of TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A socket that listens.
pub enum Front {
    /// With TLS, or on loopback.
    Tcp {
        /// The socket.
        listener: TcpListener,
        /// What is shown to clients.
        tls: Option<Arc<ServerConfig>>,
    },
    /// The file goes with it.
    Unix {
        /// The socket.
        listener: UnixListener,
        /// Where it is.
        path: PathBuf,
        /// Its file, if it is this process's.
        file: Option<SocketFile>,
    },
}

/// What the process has that clients are served in.
#[derive(Clone)]
pub struct Surroundings {
    /// Its stages.
    pub life: Life,
    /// What it says.
    pub log: Log,
    /// Open connections are counted here.
    pub connections: Connections,
    /// How many there may be.
    pub places: Places,
    /// How many of each user of the Unix socket.
    pub users: Shares<u32>,
}

impl Front {
    /// What clients connect to.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Tcp { listener, tls } => {
                let scheme = if tls.is_some() { "https" } else { "http" };
                let address = listener.local_addr();
                address.map_or_else(|error| error.to_string(), |address| format!("{scheme}://{address}"))
            }
            Self::Unix { path, .. } => path.display().to_string(),
        }
    }

    /// Takes clients until the service drains.
    pub async fn run(self, manager: Arc<Manager>, around: Surroundings) {
        let router = router(manager).layer(Extension(Arc::<Sessions>::default()));
        let troubles = Repeats::default();
        loop {
            let accepted = tokio::select! {
                accepted = self.accept(&router, &around) => accepted,
                () = around.life.reached(Stage::Draining) => return,
            };
            match accepted {
                Ok(()) => troubles.over(),
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {} // the client has given up
                Err(error) => {
                    if let Message::Said { .. } = troubles.count(&error.to_string()) {
                        let what = format_args!("no client can be taken at the moment: {error}");
                        around.log.line(Severity::Warning, what, &[]);
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn accept(&self, router: &Router, around: &Surroundings) -> io::Result<()> {
        match self {
            Self::Tcp { listener, tls } => {
                let (stream, _) = listener.accept().await?;
                let _ = stream.set_nodelay(true); // of a client that is gone it cannot be set
                let Some(taken) = around.places.take() else { return Ok(()) };
                let transport = Transport { is_tls: tls.is_some(), port: listener.local_addr()?.port() };
                let router =
                    router.clone().layer(Extension(taken.place().clone())).layer(Extension(transport));
                match tls.clone() {
                    None => carry(around, router, taken, (), stream),
                    Some(tls) => {
                        let around = around.clone();
                        tokio::spawn(async move {
                            let handshake = TlsAcceptor::from(tls).accept(stream);
                            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, handshake).await {
                                carry(&around, router, taken, (), stream);
                            }
                        });
                    }
                }
            }
            Self::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                let (uid, gids) = user_of(&stream)?;
                let Some(of_user) = around.users.admit(uid) else { return Ok(()) };
                let Some(taken) = around.places.take() else { return Ok(()) };
                let peer = UnixPeer { uid, gids: gids.into(), place: taken.place().clone() };
                carry(around, router.clone().layer(Extension(peer)), taken, of_user, stream);
            }
        }
        Ok(())
    }
}

fn carry<S>(around: &Surroundings, router: Router, taken: Taken, held: impl Send + 'static, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let life = around.life.clone();
    let open = around.connections.admit().ok();
    tokio::spawn(async move {
        tokio::select! {
            () = answer(stream, router, PATIENCE, life.reached(Stage::Draining)) => (),
            () = taken.place().given_away() => (),
            () = life.reached(Stage::Ended) => (),
        }
        drop((taken, held, open));
    });
}
