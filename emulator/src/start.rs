//! From options to a running emulator.

use crate::certificates::{Authority, Fabric};
use crate::control::{ClockChange, Control};
use crate::environment::{Environments, Sources};
use crate::home::{Home, absolute};
use crate::identities::Description;
use crate::world::{World, stop_signal};
use crate::{Emulator, Error, Options, http, redis};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Where a running emulator listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    pub(crate) http: SocketAddr,
    pub(crate) https: SocketAddr,
    pub(crate) fabric: SocketAddr,
    pub(crate) redis: SocketAddr,
}

/// Removes the emulator's folder when it ends, also one that does not come to start.
#[derive(Debug)]
pub(crate) struct Folder(Arc<Home>);

impl Drop for Folder {
    fn drop(&mut self) {
        self.0.remove();
    }
}

/// One listener for each thing that answers.
struct Listeners {
    http: TcpListener,
    https: TcpListener,
    fabric: TcpListener,
    redis: TcpListener,
}

impl Listeners {
    async fn bind(options: &Options) -> Result<Self, Error> {
        Ok(Self {
            http: listen("--http-port", options.http_port).await?,
            https: listen("--https-port", options.https_port).await?,
            fabric: listen("--fabric-port", options.fabric_port).await?,
            redis: listen("--redis-port", options.redis_port).await?,
        })
    }

    fn addresses(&self) -> Result<Addresses, Error> {
        let local = |listener: &TcpListener| {
            let address = listener.local_addr();
            address.map_err(|error| Error::new(format!("a listener has no address: {error}")))
        };
        Ok(Addresses {
            http: local(&self.http)?,
            https: local(&self.https)?,
            fabric: local(&self.fabric)?,
            redis: local(&self.redis)?,
        })
    }
}

pub(crate) async fn start(options: Options) -> Result<Emulator, Error> {
    let description = Description::read(options.identities.as_deref())?;
    let folder = Folder(Arc::new(Home::create()?));
    let (authority, fabric) = (Authority::new()?, Fabric::new()?);
    let listeners = Listeners::bind(&options).await?;
    let addresses = listeners.addresses()?;
    let entra = format!("https://{}", addresses.https);
    let directory = description.build(&entra, &folder.0)?;
    let world = Arc::new(World::new(&options, entra, directory, folder.0.clone()));
    let clock = ClockChange {
        offset_ms: Some(options.clock_offset_ms),
        scale: Some(options.clock_scale),
        ..ClockChange::default()
    };
    clock.apply(&world.clock)?;
    // Nearly everybody asks for a token, and nobody has to wait until the key for it is there.
    let keys = world.signing_keys.clone();
    tokio::spawn(async move { keys.ready().await });
    let ca_file = write_ca(options.ca_file.as_deref(), authority.pem(), &world)?;
    let sources = Sources { world: &world, addresses, fabric_thumbprint: &fabric.thumbprint, ca_file };
    note_addresses(&sources);
    let redis = Arc::new(redis::Plane::new(world.clone(), authority.tls_acceptor(), addresses.redis.port()));
    let environments = Environments::new(&sources);
    let control = Arc::new(Control { world, redis, environments });
    let stop = serve(listeners, &control, &authority, fabric);
    Ok(Emulator::new(addresses, authority.pem().to_owned(), control, stop, folder))
}

/// Starts to answer on every listener; what is returned ends that.
fn serve(
    listeners: Listeners,
    control: &Arc<Control>,
    authority: &Authority,
    fabric: Fabric,
) -> watch::Sender<bool> {
    let (stop, stopped) = watch::channel(false);
    let (world, redis) = (&control.world, control.redis.clone());
    redis.serve(listeners.redis);
    let server = http::Server { world: world.clone(), stopped: stopped.clone() };
    let plain = http::plain_router(world, control.clone());
    tokio::spawn(server.clone().serve_plain(listeners.http, plain));
    let secure = http::secure_router(world);
    tokio::spawn(server.clone().serve_tls(listeners.https, authority.tls_acceptor(), secure));
    tokio::spawn(server.serve_tls(listeners.fabric, fabric.acceptor, http::fabric_router(world)));
    tokio::spawn(stop_with(stopped, redis));
    stop
}

fn note_addresses(sources: &Sources<'_>) {
    let Sources { world, addresses, ca_file, .. } = sources;
    let log = &world.log;
    log.note(format_args!("managed identity endpoints and control on http://{}", addresses.http));
    log.note(format_args!("Entra on https://{}", addresses.https));
    log.note(format_args!("Service Fabric on https://{}", addresses.fabric));
    log.note(format_args!("Redis with TLS on {}; CA in {ca_file}", addresses.redis));
}

async fn listen(option: &str, port: u16) -> Result<TcpListener, Error> {
    TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| {
        Error::new(format!(
            "cannot listen on 127.0.0.1:{port}: {error}. Choose another port with {option}, or 0."
        ))
    })
}

/// Writes the certificate where it is wanted, or to the emulator's folder.
fn write_ca(wanted: Option<&Path>, pem: &str, world: &World) -> Result<String, Error> {
    let path = match wanted {
        Some(path) => std::fs::write(path, pem).map(|()| path.to_path_buf()).map_err(|error| {
            Error::new(format!(
                "cannot write {}: {error}. Choose another place with --ca-file.",
                path.display()
            ))
        })?,
        None => world.home.write("ca.pem", pem)?,
    };
    Ok(absolute(path).display().to_string())
}

async fn stop_with(mut stopped: watch::Receiver<bool>, redis: Arc<redis::Plane>) {
    stop_signal(&mut stopped).await;
    redis.stop().await;
}
