//! Where the clients of one upstream come in.

use super::arguments::UpstreamArguments;
use super::endpoint::Endpoint;
use super::peer::Peer;
use super::service::{Arrival, Service};
use crate::exit_code::PROBLEM;
use crate::failure::Failure;
use entrakey_proxy::ClientStream;
use entrakey_service::{
    Activated, Exposure, Message, Repeats, SocketFile, Stage, bind_tcp, bind_unix, keep_alive, resolve,
};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

const PORT: u16 = 6379;

/// After a failed `accept`: no more descriptors, most likely, and trying on at once would be a hot loop.
const PAUSE: Duration = Duration::from_millis(100);

/// A socket that listens.
pub(super) enum Front {
    Tcp(TcpListener),
    /// The file goes with it.
    Unix {
        listener: UnixListener,
        path: PathBuf,
        _file: Option<SocketFile>,
    },
}

/// Who can connect.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The user whose the socket's file is.
    Owner,
    /// The members of this group (its number) too.
    Group(u32),
    /// Every user of this machine.
    Machine,
    /// Other machines too.
    Network,
}

/// Opens what the options ask for. `taken` is what other upstreams of this process have.
pub(super) async fn open(given: &UpstreamArguments, taken: &mut Vec<String>) -> Result<Vec<Front>, Failure> {
    let has_tcp = given.unix_socket.is_none() || given.port.is_some() || given.address.is_some();
    check_users(given, has_tcp)?;
    let mut fronts = Vec::new();
    if let Some(path) = &given.unix_socket {
        claim(taken, path.display().to_string())?;
        let bound = bind_unix(path, given.unix_socket_mode);
        let (listener, file) =
            bound.map_err(|error| Failure::new(PROBLEM, format!("--unix-socket: {error}")))?;
        fronts.push(Front::Unix { listener, path: path.clone(), _file: Some(file) });
    }
    if has_tcp {
        fronts.push(Front::Tcp(open_tcp(given, taken).await?));
    }
    Ok(fronts)
}

async fn open_tcp(given: &UpstreamArguments, taken: &mut Vec<String>) -> Result<TcpListener, Failure> {
    let host = given.address.as_deref().unwrap_or("127.0.0.1");
    let address = resolve(host).await.map_err(|error| Failure::usage(format!("--address: {error}")))?;
    check_exposure(address, given)?;
    let address = SocketAddr::new(address, given.port.unwrap_or(PORT));
    if address.port() != 0 {
        claim(taken, address.to_string())?;
    }
    let bound = bind_tcp(address, "choose another one with --address or --port").await;
    bound.map_err(|error| Failure::new(PROBLEM, error))
}

fn check_exposure(address: IpAddr, given: &UpstreamArguments) -> Result<(), Failure> {
    let exposure = Exposure {
        address,
        has_tls: given.tls_certificate.is_some() && given.tls_key.is_some(),
        has_password: has_password(given),
    };
    match given.insecure_bind {
        true => Ok(()),
        false => exposure.check().map_err(Failure::usage),
    }
}

/// A TCP port does not tell who the client is.
fn check_users(given: &UpstreamArguments, has_tcp: bool) -> Result<(), Failure> {
    match given.allow_uid.is_empty() || !has_tcp || has_password(given) {
        true => Ok(()),
        false => Err(Failure::usage(
            "--allow-uid holds for a Unix socket only, and the TCP port would be open to every user of this machine: use \
             --unix-socket without --port and --address, or add --password-file.",
        )),
    }
}

fn has_password(given: &UpstreamArguments) -> bool {
    given.password.is_some() || given.password_file.is_some()
}

/// Takes what systemd has opened.
pub(super) fn adopt(handed: Activated, given: &UpstreamArguments) -> Result<Front, Failure> {
    let failed = |error| Failure::new(PROBLEM, format!("a socket of systemd's cannot be used: {error}"));
    match handed {
        Activated::Tcp(listener) => {
            check_users(given, true)?;
            check_exposure(listener.local_addr().map_err(failed)?.ip(), given)?;
            TcpListener::from_std(listener).map(Front::Tcp).map_err(failed)
        }
        Activated::Unix(listener) => {
            let address = listener.local_addr().map_err(failed)?;
            let path = address.as_pathname().map_or_else(|| abstract_name(&address), Path::to_owned);
            let listener = UnixListener::from_std(listener).map_err(failed)?;
            Ok(Front::Unix { listener, path, _file: None })
        }
    }
}

fn claim(taken: &mut Vec<String>, name: String) -> Result<(), Failure> {
    if taken.contains(&name) {
        return Err(Failure::usage(format!(
            "Two upstreams would listen on {name}: give each a port or a socket of its own."
        )));
    }
    taken.push(name);
    Ok(())
}

impl Front {
    /// What clients connect to.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Tcp(listener) => {
                listener.local_addr().map_or_else(|error| error.to_string(), |address| address.to_string())
            }
            Self::Unix { path, .. } => path.display().to_string(),
        }
    }

    /// The address that it listens on, if it is one.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Unix { .. } => None,
            Self::Tcp(listener) => listener.local_addr().ok(),
        }
    }

    pub(super) fn is_unix(&self) -> bool {
        matches!(self, Self::Unix { .. })
    }

    pub(super) fn reach(&self) -> Reach {
        match self {
            Self::Unix { path, .. } => reach_of(path),
            Self::Tcp(listener) => match listener.local_addr() {
                Ok(address) if address.ip().to_canonical().is_loopback() => Reach::Machine,
                _ => Reach::Network,
            },
        }
    }

    /// Takes clients until the service drains. The socket is closed then, and its file gone.
    pub(super) async fn run(self, service: Arc<Service>, endpoint: Endpoint) {
        let troubles = Repeats::default();
        loop {
            let accepted = tokio::select! {
                accepted = self.accept(&service, &endpoint) => accepted,
                () = service.shared.life.reached(Stage::Draining) => return,
            };
            match accepted {
                Ok(()) => troubles.over(),
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {} // the client has given up
                Err(error) => {
                    if let Message::Said { .. } = troubles.count(&error.to_string()) {
                        service.cannot_take(&error);
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn accept(&self, service: &Arc<Service>, endpoint: &Endpoint) -> io::Result<()> {
        match self {
            Self::Tcp(listener) => {
                let (stream, from) = listener.accept().await?;
                let _ = stream.set_nodelay(true); // of a client that is gone it cannot be set
                let _ = keep_alive(&stream);
                let reached = stream.local_addr().ok().map(|address| address.ip());
                let arrival = Arrival { from: Peer::Tcp(from), reached };
                let stream = stream.into_std()?;
                hand_over(service, endpoint, arrival, move || TcpStream::from_std(stream));
            }
            Self::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                let uid = stream.peer_cred().ok().map(|credentials| credentials.uid());
                let arrival = Arrival { from: Peer::Unix { uid }, reached: None };
                let stream = stream.into_std()?;
                hand_over(service, endpoint, arrival, move || UnixStream::from_std(stream));
            }
        }
        Ok(())
    }
}

/// Whom the mode of a socket's file lets in, and those of the folders above it: to connect is to write. One without a file
/// (systemd's `ListenStream=@name`) is everybody's.
fn reach_of(path: &Path) -> Reach {
    let Ok(file) = path.metadata() else { return Reach::Machine };
    let folders = path.ancestors().skip(1).filter_map(|folder| folder.metadata().ok());
    let way = folders.fold(0o011, |way, folder| way & folder.mode());
    match file.mode() & 0o022 {
        mode if mode & 0o002 != 0 && way & 0o001 != 0 => Reach::Machine,
        mode if mode != 0 && way != 0 => Reach::Group(file.gid()),
        _ => Reach::Owner,
    }
}

/// As systemd and ss write it.
fn abstract_name(address: &std::os::unix::net::SocketAddr) -> PathBuf {
    #[cfg(target_os = "linux")]
    if let Some(name) = std::os::linux::net::SocketAddrExt::as_abstract_name(address) {
        return PathBuf::from(format!("@{}", String::from_utf8_lossy(name)));
    }
    PathBuf::from("a Unix socket without a name")
}

/// Another thread carries the client, on a stream that is made there.
fn hand_over<S>(
    service: &Arc<Service>,
    endpoint: &Endpoint,
    arrival: Arrival,
    stream: impl FnOnce() -> io::Result<S> + Send + 'static,
) where
    S: ClientStream + 'static,
{
    let (service, endpoint) = (service.clone(), endpoint.clone());
    service.shared.workers.clone().spawn(async move {
        match stream() {
            Ok(stream) => service.serve(&endpoint, stream, arrival).await,
            Err(error) => service.cannot_take(&error),
        }
    });
}
