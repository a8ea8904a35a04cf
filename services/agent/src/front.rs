//! Where clients come in.

use crate::agent::Agent;
use crate::counts::Refusal;
use crate::peer::{Caller, Holder, TcpPeer, UnixPeer};
use crate::{app_service, unix};
use axum::{Extension, Router};
use entrakey_service::{Message, Patience, Repeats, Severity, SocketFile, Stage, Taken, answer, user_of};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// After a failed `accept`: no more descriptors, most likely, and trying on at once would be a hot loop.
const PAUSE: Duration = Duration::from_millis(100);

/// A connection that idles is closed after 10 s, and one that does not after an hour; clients make another. A request that
/// comes at its very end waits for a token as any other does.
fn patience(wait: Duration) -> Patience {
    Patience {
        head: Duration::from_secs(10),
        connection: Duration::from_secs(3600),
        last: wait.saturating_add(Duration::from_secs(5)),
    }
}

/// A socket that listens.
#[derive(Debug)]
pub enum Front {
    /// App Service's endpoint, on loopback.
    Tcp(TcpListener),
    /// The API. The file goes with it, if it is this process's.
    Unix {
        /// The socket.
        listener: UnixListener,
        /// Where it is.
        path: PathBuf,
        /// Its file.
        file: Option<SocketFile>,
    },
}

impl Front {
    /// What clients connect to.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Tcp(listener) => {
                let address = listener.local_addr();
                address.map_or_else(
                    |error| error.to_string(),
                    |address| format!("http://{address}{}", app_service::PATH),
                )
            }
            Self::Unix { path, .. } => path.display().to_string(),
        }
    }

    /// Where App Service's endpoint is, if it is that.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix { .. } => None,
        }
    }

    /// Takes clients until the service drains. The socket is closed then, and its file gone.
    pub fn run(self, agent: Arc<Agent>) -> impl Future<Output = ()> + Send {
        // Before any front takes somebody who asks where App Service's endpoint is.
        self.address().into_iter().for_each(|address| agent.listens_on(address));
        self.serve(agent)
    }

    async fn serve(self, agent: Arc<Agent>) {
        let router = match &self {
            Self::Tcp(_) => app_service::router(agent.clone()),
            Self::Unix { .. } => unix::router(agent.clone()),
        };
        let troubles = Repeats::default();
        loop {
            let accepted = tokio::select! {
                accepted = self.accept(&agent, &router) => accepted,
                () = agent.life.reached(Stage::Draining) => return,
            };
            match accepted {
                Ok(()) => troubles.over(),
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {} // the client has given up
                Err(error) => {
                    if let Message::Said { .. } = troubles.count(&error.to_string()) {
                        let what = format_args!("no client can be taken at the moment: {error}");
                        agent.log.line(Severity::Warning, what, &[]);
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn accept(&self, agent: &Arc<Agent>, router: &Router) -> io::Result<()> {
        match self {
            Self::Tcp(listener) => {
                let (stream, from) = listener.accept().await?;
                let _ = stream.set_nodelay(true); // of a client that is gone it cannot be set
                let listening = stream.local_addr()?;
                take_tcp(agent, router, stream, from, listening)
            }
            Self::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                take_unix(agent, router, stream)
            }
        }
    }
}

fn take_tcp(
    agent: &Arc<Agent>,
    router: &Router,
    stream: TcpStream,
    from: SocketAddr,
    listening: SocketAddr,
) -> io::Result<()> {
    let Some(taken) = agent.tcp_places.take() else {
        agent.refuse(Refusal::Full, &Caller::Address(from), "there are as many connections as there may be");
        return Ok(());
    };
    let share = Arc::default();
    let peer = TcpPeer { from, listening, place: taken.place().clone(), share };
    let router = router.clone().layer(Extension(peer));
    let stream = stream.into_std()?;
    carry(agent, router, taken, (), move || TcpStream::from_std(stream));
    Ok(())
}

fn take_unix(agent: &Arc<Agent>, router: &Router, stream: UnixStream) -> io::Result<()> {
    let (uid, gids) = user_of(&stream)?;
    let caller = Caller::User(uid);
    let Some(of_user) = agent.users.admit(Holder::User(uid)) else {
        agent.refuse(Refusal::Full, &caller, "a user has as many connections as each may have");
        return Ok(());
    };
    let Some(taken) = agent.unix_places.take() else {
        agent.refuse(Refusal::Full, &caller, "there are as many connections as there may be");
        return Ok(());
    };
    let peer = UnixPeer { uid, gids: gids.into(), place: taken.place().clone() };
    let router = router.clone().layer(Extension(peer));
    let stream = stream.into_std()?;
    carry(agent, router, taken, of_user, move || UnixStream::from_std(stream));
    Ok(())
}

/// Another thread carries the client, on a stream that is made there.
fn carry<S>(
    agent: &Arc<Agent>,
    router: Router,
    taken: Taken,
    held: impl Send + 'static,
    stream: impl FnOnce() -> io::Result<S> + Send + 'static,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (life, patience) = (agent.life.clone(), patience(agent.limits.wait));
    let open = agent.connections.admit().ok();
    agent.workers.spawn(async move {
        let Ok(stream) = stream() else { return }; // it is gone
        tokio::select! {
            () = answer(stream, router, patience, life.reached(Stage::Draining)) => (),
            () = taken.place().given_away() => (),
            () = life.reached(Stage::Ended) => (),
        }
        drop((taken, held, open));
    });
}
