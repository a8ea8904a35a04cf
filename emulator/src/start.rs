//! Starts an emulator from its options.

use crate::addresses::Addresses;
use crate::arm::ResourceManager;
use crate::certificates::{Authority, Fabric};
use crate::clock::Clock;
use crate::control::{ClockChange, Control};
use crate::environment::{Environments, Sources};
use crate::home::{Home, absolute};
use crate::hosting::HostingSecrets;
use crate::http::{Server, TokenPlane, fabric_router, plain_router, secure_router};
use crate::identities::Description;
use crate::redis::{Backend, Ports};
use crate::scripts::Scripts;
use crate::stop::stop_signal;
use crate::tenant::Tenant;
use crate::witness::Witness;
use crate::witness::log::Log;
use crate::workload::WorkloadToken;
use crate::{ClusterPolicy, Error, Family, Options, RedisOptions, redis};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Removes the emulator's folder when it ends, also one that does not come to start.
#[derive(Debug)]
pub(crate) struct Folder(Arc<Home>);

impl Drop for Folder {
    fn drop(&mut self) {
        self.0.remove();
    }
}

/// The bound sockets, before anything is answered on them.
struct Listeners {
    http: TcpListener,
    https: TcpListener,
    fabric: TcpListener,
    redis: Ports,
}

impl Listeners {
    async fn bind(options: &Options) -> Result<Self, Error> {
        Ok(Self {
            http: listen("--http-port", options.http_port).await?,
            https: listen("--https-port", options.https_port).await?,
            fabric: listen("--fabric-port", options.fabric_port).await?,
            redis: Ports::bind(&options.redis).await?,
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
            redis: SocketAddr::from(([127, 0, 0, 1], self.redis.endpoint_port())),
        })
    }
}

/// What a running emulator consists of.
pub(crate) struct Started {
    pub(crate) addresses: Addresses,
    pub(crate) ca_pem: String,
    pub(crate) control: Arc<Control>,
    pub(crate) hosting: Arc<HostingSecrets>,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) folder: Folder,
}

pub(crate) async fn start(options: Options) -> Result<Started, Error> {
    let description = Description::read(options.identities.as_deref())?;
    let folder = Folder(Arc::new(Home::create()?));
    let home = &folder.0;
    let backend = backend(&options.redis).await?;
    let caches = [Family::Amr, Family::Classic].map(Family::host_name);
    let (authority, fabric) = (Authority::new(&caches)?, Fabric::new()?);
    let listeners = Listeners::bind(&options).await?;
    let addresses = listeners.addresses()?;
    let entra = format!("https://{}", addresses.https);
    let directory = description.build(&entra, home)?;
    let policies = redis::Plane::policies(directory.access_assignments())?;
    let plane = TokenPlane {
        tenant: Arc::new(Tenant::new(&options, entra, directory)),
        hosting: Arc::new(HostingSecrets::new(options.arc_key_folder.clone().map(absolute), home)),
        scripts: Arc::new(Scripts::new(options.imds_limits)),
        witness: Arc::new(Witness::new(options.verbose)),
    };
    let TokenPlane { tenant, hosting, scripts, witness } = &plane;
    set_clock(&options, &tenant.clock)?;
    // Nearly every client asks for a token: its key is made before the first request needs it.
    let keys = tenant.signing_keys.clone();
    tokio::spawn(async move { keys.ready().await });
    let ca_file = write_ca(options.ca_file.as_deref(), authority.pem(), home)?;
    note_addresses(witness.log, &addresses, &ca_file);
    let environments = Environments::new(&Sources {
        tenant,
        hosting,
        home,
        addresses,
        redis_name: options.redis.family.host_name(),
        fabric_thumbprint: &fabric.thumbprint,
        ca_file,
    });
    let Listeners { http, https, fabric: fabric_listener, redis: ports } = listeners;
    let redis = redis::Plane::start(redis::Setup {
        options: options.redis,
        clock: tenant.clock.clone(),
        signing_keys: tenant.signing_keys.clone(),
        policies,
        witness: witness.clone(),
        acceptor: authority.tls_acceptor(),
        ports,
        backend,
    })?;
    let manager = Arc::new(ResourceManager::new(tenant.clone(), redis.clone()));
    let control = Arc::new(Control {
        manager,
        tenant: tenant.clone(),
        scripts: scripts.clone(),
        witness: witness.clone(),
        workload: WorkloadToken::new(home.clone(), witness.log),
        redis,
        environments,
    });
    let hosting = hosting.clone();
    let stop = serve([http, https, fabric_listener], &plane, &control, &authority, fabric);
    Ok(Started { addresses, ca_pem: authority.pem().to_owned(), control, hosting, stop, folder })
}

fn set_clock(options: &Options, clock: &Clock) -> Result<(), Error> {
    let change = ClockChange {
        offset_ms: Some(options.clock_offset_ms),
        scale: Some(options.clock_scale),
        ..ClockChange::default()
    };
    change.apply(clock)
}

/// The real Redis behind the gate, if there is to be one.
async fn backend(redis: &RedisOptions) -> Result<Option<Backend>, Error> {
    match (&redis.proxy, redis.cluster_policy) {
        (None, _) => Ok(None),
        (Some(_), ClusterPolicy::Oss) => {
            Err(Error::new("--proxy has one endpoint: leave --cluster-policy oss out"))
        }
        (Some(url), ClusterPolicy::Enterprise) => Backend::connect(url, redis.family).await.map(Some),
    }
}

/// Starts to answer on the listeners of the token plane. The returned sender ends that, and the Redis plane.
fn serve(
    [http, https, fabric_listener]: [TcpListener; 3],
    plane: &TokenPlane,
    control: &Arc<Control>,
    authority: &Authority,
    fabric: Fabric,
) -> watch::Sender<bool> {
    let (stop, stopped) = watch::channel(false);
    let server = Server { clock: plane.tenant.clock.clone(), stopped: stopped.clone() };
    let plain = plain_router(plane, control.clone());
    tokio::spawn(server.clone().serve_plain(http, plain));
    let secure = secure_router(plane, control.manager.clone());
    tokio::spawn(server.clone().serve_tls(https, authority.tls_acceptor(), secure));
    tokio::spawn(server.serve_tls(fabric_listener, fabric.acceptor, fabric_router(plane)));
    tokio::spawn(stop_with(stopped, control.redis.clone()));
    stop
}

fn note_addresses(log: Log, addresses: &Addresses, ca_file: &str) {
    log.note(format_args!("managed identity endpoints and control on http://{}", addresses.http));
    log.note(format_args!("Entra on https://{}", addresses.https));
    log.note(format_args!("Service Fabric on https://{}", addresses.fabric));
    log.note(format_args!("Redis with TLS on {}; CA in {ca_file}", addresses.redis));
}

async fn listen(option: &str, port: u16) -> Result<TcpListener, Error> {
    TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| {
        Error::of_machine(format!(
            "cannot listen on 127.0.0.1:{port}: {error}. Choose another port with {option}, or 0."
        ))
    })
}

/// Writes the certificate where it is wanted, or to the emulator's folder.
fn write_ca(wanted: Option<&Path>, pem: &str, home: &Home) -> Result<String, Error> {
    let path = match wanted {
        Some(path) => std::fs::write(path, pem).map(|()| path.to_path_buf()).map_err(|error| {
            Error::of_machine(format!(
                "cannot write {}: {error}. Choose another place with --ca-file.",
                path.display()
            ))
        })?,
        None => home.write("ca.pem", pem)?,
    };
    Ok(absolute(path).display().to_string())
}

async fn stop_with(mut stopped: watch::Receiver<bool>, redis: Arc<redis::Plane>) {
    stop_signal(&mut stopped).await;
    redis.stop().await;
}
