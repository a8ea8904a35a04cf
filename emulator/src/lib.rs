//! Entra, a managed identity endpoint and a Redis that checks tokens, on loopback.
//!
//! For tests of anything that speaks Redis with Microsoft Entra ID, without Azure. It follows Microsoft's
//! documentation and stock clients; it was never compared with live Azure. It shares no code with the rest
//! of entrakey, which it is there to check.

mod certificates;
mod clock;
mod environment;
mod faults;
mod home;
mod hosts;
mod http;
mod identities;
mod log;
mod redis;
mod stats;
mod tokens;
mod world;

pub use environment::{Variables, for_shell};
pub use identities::DEFAULT_IDENTITIES;
pub use redis::{ClusterPolicy, Dialect, Family, RedisOptions};

use certificates::{Authority, ClientCertificate, Fabric};
use environment::{Environments, KINDS, Sources};
use home::Home;
use hosts::HostSecrets;
use identities::{Description, Generated};
use redis::{Backend, Ports};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokens::{FederatedClaims, SigningKey, Timing};
use tokio::net::TcpListener;
use tokio::sync::watch;
use world::World;

/// The file of the workload's federated token.
const FEDERATED_TOKEN_FILE: &str = "federated-token";
/// As long as Kubernetes lets one be valid: nobody renews the file unless asked to.
const FEDERATED_LIFETIME_SECONDS: i64 = 24 * 3600;

/// How an emulator is started. The default takes free ports and mints tokens of an hour.
#[derive(Clone, Debug)]
pub struct Options {
    /// Port of the managed identity endpoints and the control API; 0 takes a free one.
    pub http_port: u16,
    /// Port of Entra; 0 takes a free one.
    pub https_port: u16,
    /// Port of Service Fabric's endpoint; 0 takes a free one.
    pub fabric_port: u16,
    /// The Redis.
    pub redis: RedisOptions,
    /// How long a token is valid.
    pub token_lifetime: Duration,
    /// Where the certificate of the emulator's authority is written; to the emulator's folder if not given.
    pub ca_file: Option<PathBuf>,
    /// Who exists: a TOML or JSON file; a default set if not given.
    pub identities: Option<PathBuf>,
    /// Where Azure Arc's key files are written; to the emulator's folder if not given. Microsoft's libraries
    /// read them in `/var/opt/azcmagent/tokens` only.
    pub arc_key_folder: Option<PathBuf>,
    /// Writes one line to standard error for each thing that happens.
    pub verbose: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            http_port: 0,
            https_port: 0,
            fabric_port: 0,
            redis: RedisOptions::default(),
            token_lifetime: Duration::from_secs(3600),
            ca_file: None,
            identities: None,
            arc_key_folder: None,
            verbose: false,
        }
    }
}

/// Why an emulator could not start, in a sentence that says what to do.
#[derive(Debug)]
pub struct Error(String);

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// A running emulator. Dropping it stops it and removes its folder.
#[derive(Debug)]
pub struct Emulator {
    http: SocketAddr,
    https: SocketAddr,
    redis: SocketAddr,
    ca_pem: String,
    environments: Arc<Environments>,
    world: Arc<World>,
    stop: watch::Sender<bool>,
    _folder: Folder,
}

/// One listener for each thing that answers.
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
}

impl Emulator {
    /// Listens on all its ports and returns. Runs on the tokio runtime that it is called on.
    ///
    /// # Errors
    /// A port is taken, a file cannot be written, or that of the identities says what cannot be.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let description = Description::read(options.identities.as_deref())?;
        let home = Folder(Arc::new(Home::create()?));
        let backend = backend(&options.redis).await?;
        // The keys before anybody knows an address: no token's life is spent on making them.
        let (signing_key, issuer_key, generated) = tokio::try_join!(
            SigningKey::generate(),
            SigningKey::generate(),
            certificates_for(description.wants_certificates(), &home.0),
        )?;
        let (authority, fabric) = (Authority::new()?, Fabric::new()?);
        let listeners = Listeners::bind(&options).await?;
        let entra = format!("https://{}", local(&listeners.https)?);
        let directory = description.build(&entra, generated)?;
        let world = Arc::new(World {
            clock: clock::Clock::default(),
            token_lifetime: options.token_lifetime,
            signing_key,
            issuer_key,
            policies: directory.policies()?,
            directory,
            authority: entra,
            hosts: HostSecrets::new(options.arc_key_folder.map(absolute), &home.0),
            faults: faults::Faults::default(),
            home: home.0.clone(),
            stats: stats::Stats::default(),
            log: log::Log::new(options.verbose),
        });
        let ca_file = write_ca(options.ca_file, authority.pem(), &world)?;
        let sources = Sources {
            world: &world,
            http: local(&listeners.http)?,
            https: local(&listeners.https)?,
            fabric: local(&listeners.fabric)?,
            redis: SocketAddr::from(([127, 0, 0, 1], listeners.redis.endpoint_port())),
            redis_name: options.redis.family.host_name(),
            fabric_thumbprint: &fabric.thumbprint,
            ca_file,
            token_file: write_federated_token(&world)?,
        };
        let environments = Arc::new(Environments::new(&sources));
        note_addresses(&sources);
        let (http, https, redis) = (sources.http, sources.https, sources.redis);
        let stop =
            serve(listeners, &world, &authority, fabric, environments.clone(), (options.redis, backend))?;
        let ca_pem = authority.pem().to_owned();
        Ok(Self { http, https, redis, ca_pem, environments, world, stop, _folder: home })
    }

    /// The managed identity endpoints and the control API, over http.
    #[must_use]
    pub fn http_address(&self) -> SocketAddr {
        self.http
    }

    /// Entra, over https.
    #[must_use]
    pub fn https_address(&self) -> SocketAddr {
        self.https
    }

    /// The Redis, over TLS.
    #[must_use]
    pub fn redis_address(&self) -> SocketAddr {
        self.redis
    }

    /// The certificate of the authority that signed the servers' certificates, PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The variables that point a client at this emulator: a virtual machine's, and an application's with a
    /// secret.
    #[must_use]
    pub fn environment(&self) -> Variables {
        self.environments.everything().clone()
    }

    /// The variables of one of [`Self::environment_names`], none if the identities have nobody for it.
    #[must_use]
    pub fn env(&self, name: &str) -> Option<Variables> {
        self.environments.get(name).cloned()
    }

    /// What [`Self::env`] knows: the places and ways in which a program can have an identity.
    #[must_use]
    pub fn environment_names() -> Vec<&'static str> {
        KINDS.iter().map(|(name, _)| *name).collect()
    }

    /// The variables that must not be set where [`Self::env`] is used, as they belong to other environments.
    #[must_use]
    pub fn foreign_to(&self, name: &str) -> Vec<String> {
        self.environments.foreign_to(name)
    }

    /// Closes every listener and connection.
    pub fn shutdown(self) {
        drop(self);
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.world.hosts.arc.clear();
    }
}

/// Removes the emulator's folder when it ends, also one that does not come to start.
#[derive(Debug)]
struct Folder(Arc<Home>);

impl Drop for Folder {
    fn drop(&mut self) {
        self.0.remove();
    }
}

/// Starts to answer on every listener; what is returned ends that.
fn serve(
    listeners: Listeners,
    world: &Arc<World>,
    authority: &Authority,
    fabric: Fabric,
    environments: Arc<Environments>,
    (redis, backend): (RedisOptions, Option<Backend>),
) -> Result<watch::Sender<bool>, Error> {
    let (stop, stopped) = watch::channel(false);
    let redis =
        redis::Plane::start(world.clone(), redis, authority.tls_acceptor(), listeners.redis, backend)?;
    let control = http::Control { world: world.clone(), redis: redis.clone(), environments };
    tokio::spawn(http::serve_plain(listeners.http, http::plain_router(world, control), stopped.clone()));
    let secure = http::secure_router(world);
    tokio::spawn(http::serve_tls(listeners.https, authority.tls_acceptor(), secure, stopped.clone()));
    let router = http::fabric_router(world);
    tokio::spawn(http::serve_tls(listeners.fabric, fabric.acceptor, router, stopped.clone()));
    tokio::spawn(stop_with(stopped, redis));
    Ok(stop)
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

fn note_addresses(sources: &Sources<'_>) {
    let log = &sources.world.log;
    log.note(format_args!("managed identity endpoints and control on http://{}", sources.http));
    log.note(format_args!("Entra on https://{}", sources.https));
    log.note(format_args!("Service Fabric on https://{}", sources.fabric));
    log.note(format_args!("Redis with TLS on {}; CA in {}", sources.redis, sources.ca_file));
}

async fn certificates_for(apps: Vec<String>, home: &Home) -> Result<Vec<Generated>, Error> {
    let mut generated = Vec::new();
    for app in apps {
        generated.push(Generated { certificate: ClientCertificate::generate(app.clone(), home).await?, app });
    }
    Ok(generated)
}

/// The token that a cluster would have written for the workload, if there is one.
fn write_federated_token(world: &World) -> Result<Option<PathBuf>, Error> {
    let Some((_, federated)) = world.directory.workload() else { return Ok(None) };
    let timing = Timing { now: world.now(), lifetime: FEDERATED_LIFETIME_SECONDS };
    let token = world.issuer_key.sign(&FederatedClaims::new(federated, timing));
    let token = token.ok_or_else(|| Error::new("cannot sign the federated token"))?;
    world.home.write(FEDERATED_TOKEN_FILE, &token).map(Some)
}

/// As programs find it that run in another folder.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

async fn listen(option: &str, port: u16) -> Result<TcpListener, Error> {
    TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| {
        Error::new(format!(
            "cannot listen on 127.0.0.1:{port}: {error}. Choose another port with {option}, or 0."
        ))
    })
}

fn local(listener: &TcpListener) -> Result<SocketAddr, Error> {
    listener.local_addr().map_err(|error| Error::new(format!("a listener has no address: {error}")))
}

/// Writes the certificate where it is wanted, or to the emulator's folder.
fn write_ca(wanted: Option<PathBuf>, pem: &str, world: &World) -> Result<String, Error> {
    let path = match wanted {
        Some(path) => std::fs::write(&path, pem).map(|()| path.clone()).map_err(|error| {
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
    world::stop_signal(&mut stopped).await;
    redis.stop().await;
}
