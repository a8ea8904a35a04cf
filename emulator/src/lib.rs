//! Entra, a managed identity endpoint and a Redis that checks tokens, on loopback.
//!
//! For tests of anything that speaks Redis with Microsoft Entra ID, without Azure. It follows Microsoft's
//! documentation and stock clients; it was never compared with live Azure. It shares no code with the rest
//! of entrakey, which it is there to check.

mod certificates;
mod http;
mod identities;
mod log;
mod redis;
mod stats;
mod tokens;
mod world;

use certificates::Authority;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokens::SigningKey;
use tokio::net::TcpListener;
use tokio::sync::watch;
use world::World;

/// How an emulator is started. The default takes free ports and mints tokens of an hour.
#[derive(Clone, Debug)]
pub struct Options {
    /// Port of the managed identity endpoint and the control API; 0 takes a free one.
    pub http_port: u16,
    /// Port of Entra; 0 takes a free one.
    pub https_port: u16,
    /// Port of the Redis; 0 takes a free one.
    pub redis_port: u16,
    /// How long a token is valid.
    pub token_lifetime: Duration,
    /// Where the certificate of the emulator's authority is written; a temporary file if not given.
    pub ca_file: Option<PathBuf>,
    /// Writes one line to standard error for each thing that happens.
    pub verbose: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            http_port: 0,
            https_port: 0,
            redis_port: 0,
            token_lifetime: Duration::from_secs(3600),
            ca_file: None,
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

/// A running emulator. Dropping it stops it and removes the certificate file that it made.
#[derive(Debug)]
pub struct Emulator {
    http: SocketAddr,
    https: SocketAddr,
    redis: SocketAddr,
    ca_file: PathBuf,
    ca_is_temporary: bool,
    ca_pem: String,
    stop: watch::Sender<bool>,
}

impl Emulator {
    /// Listens on all its ports and returns. Runs on the tokio runtime that it is called on.
    ///
    /// # Errors
    /// A port is taken, or the certificate file cannot be written.
    pub async fn start(options: Options) -> Result<Self, Error> {
        // The key before anybody knows an address: no token's life is spent on making it.
        let signing_key = SigningKey::generate().await?;
        let authority = Authority::new()?;
        let http = listen("--http-port", options.http_port).await?;
        let https = listen("--https-port", options.https_port).await?;
        let redis = listen("--redis-port", options.redis_port).await?;
        let addresses = (local(&http)?, local(&https)?, local(&redis)?);
        let (stop, stopped) = watch::channel(false);
        let world = Arc::new(World::new(
            options.token_lifetime,
            signing_key,
            addresses.1,
            log::Log::new(options.verbose),
        ));
        let redis_plane =
            Arc::new(redis::Plane::new(world.clone(), authority.tls_acceptor(), addresses.2.port()));
        redis_plane.serve(redis);
        let plain = http::plain_router(world.clone(), redis_plane.clone());
        tokio::spawn(http::serve_plain(http, plain, stopped.clone()));
        let secure = http::secure_router(world.clone());
        tokio::spawn(http::serve_tls(https, authority.tls_acceptor(), secure, stopped.clone()));
        tokio::spawn(stop_with(stopped, redis_plane));
        let (ca_file, ca_is_temporary) = write_ca(options.ca_file, authority.pem())?;
        world.log.note(format_args!("managed identity endpoint and control on http://{}", addresses.0));
        world.log.note(format_args!("Entra on https://{}", addresses.1));
        world.log.note(format_args!("Redis with TLS on {}; CA in {}", addresses.2, ca_file.display()));
        let (http, https, redis) = addresses;
        Ok(Self { http, https, redis, ca_file, ca_is_temporary, ca_pem: authority.pem().to_owned(), stop })
    }

    /// The managed identity endpoint and the control API, over http.
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

    /// The variables that point a client at this emulator, by name.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let ca_file = self.ca_file.display().to_string();
        let mut variables = vec![
            ("AZURE_AUTHORITY_HOST", format!("https://{}", self.https)),
            ("AZURE_POD_IDENTITY_AUTHORITY_HOST", format!("http://{}", self.http)),
            ("ENTRAKEY_CA_FILE", ca_file.clone()),
            ("REDIS_HOST", "localhost".to_owned()),
            ("REDIS_PORT", self.redis.port().to_string()),
            ("REDIS_CA_FILE", ca_file),
            ("ENTRAKEY_EMULATOR_URL", format!("http://{}", self.http)),
        ];
        variables.extend(identities::environment());
        variables
    }

    /// Closes every listener and connection.
    pub fn shutdown(self) {
        drop(self);
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if self.ca_is_temporary {
            let _ = std::fs::remove_file(&self.ca_file); // somebody else may have tidied up
            let _ = self.ca_file.parent().map(std::fs::remove_dir);
        }
    }
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

/// Writes the certificate where it is wanted, or into a folder of its own: in a shared temporary folder a
/// name that somebody can guess is a name that somebody can have taken.
fn write_ca(wanted: Option<PathBuf>, pem: &str) -> Result<(PathBuf, bool), Error> {
    let temporary = wanted.is_none();
    let refuse = |path: &Path, error: std::io::Error| {
        Error::new(format!("cannot write {}: {error}. Choose another place with --ca-file.", path.display()))
    };
    let path = match wanted {
        Some(path) => path,
        None => {
            let folder = std::env::temp_dir().join(format!("entrakey-emulator-{:016x}", fastrand::u64(..)));
            std::fs::create_dir(&folder).map_err(|error| refuse(&folder, error))?;
            folder.join("ca.pem")
        }
    };
    std::fs::write(&path, pem).map_err(|error| refuse(&path, error))?;
    Ok((path, temporary))
}

async fn stop_with(mut stopped: watch::Receiver<bool>, redis: Arc<redis::Plane>) {
    world::stop_signal(&mut stopped).await;
    redis.stop();
}
