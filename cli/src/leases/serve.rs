//! `entrakey leases serve`.

use super::arguments::{ClientArguments, ServeArguments};
use super::file::File;
use super::open::{self, Parts};
use crate::exit_code::PROBLEM;
use crate::failure::Failure;
use crate::service::{self, serve_probes};
use entrakey_core::has_foreign_privileges;
use entrakey_leases::{Front, Manager, Surroundings};
use entrakey_service::{
    Activated, Connections, Exposure, Life, Log, Places, Severity, Shares, Signals, Stage, activated,
    bind_tcp, bind_unix, forbid_core_dumps, lock_memory, resolve, server_config,
};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Which users and groups are let in is looked at besides.
const SOCKET_MODE: u32 = 0o666;
/// Besides what carries clients: Azure and the database are waited for elsewhere.
const THREADS: usize = 2;

/// Runs until the process is told to end.
pub(super) fn run(typed: &ServeArguments) -> Result<u8, Failure> {
    if has_foreign_privileges() {
        return Err(Failure::usage(
            "This program is setuid or setgid, or its file has capabilities: whoever starts it would decide whose \
             credentials it hands out. Start it as a service of its own user.",
        ));
    }
    let handed = activated().map_err(|error| Failure::new(PROBLEM, error))?; // before the first thread
    let dumps = forbid_core_dumps(); // before there is a secret
    let file = File::read(&typed.place)?;
    let arguments = file.serve_arguments()?;
    let log = service::log(&arguments.operation)?;
    service::tell_of_given(&arguments.identity.exposed(), &log);
    service::tell_of_dumps(dumps, &log);
    if let Err(why) = lock_memory() {
        log.line(Severity::Info, format_args!("memory is not locked, and may be swapped out: {why}"), &[]);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
    let runtime = runtime.map_err(service::no_thread)?;
    let outcome = runtime.block_on(live(&file, &arguments, handed, log.clone()));
    runtime.shutdown_background();
    if let Err(failure) = &outcome {
        log.line(Severity::Error, failure, &[]);
    }
    log.flush(service::FLUSH);
    outcome.or_else(|failure| Ok(failure.code)) // it is in the log
}

async fn live(
    file: &File,
    arguments: &ServeArguments,
    handed: Vec<Activated>,
    log: Log,
) -> Result<u8, Failure> {
    let mut signals = Signals::new().map_err(|error| Failure::new(PROBLEM, error))?;
    let (life, connections) = (Life::default(), Connections::at_most(None));
    let quit = Arc::new(Notify::new());
    let process =
        Process { life: life.clone(), log: log.clone(), connections: connections.clone(), services: 1 };
    let zero = arguments.operation.exit_zero_on_sigterm;
    let serving = tokio::select! {
        serving = begin(file, arguments, handed, process) => serving?,
        cause = signals.next() => return Ok(service::end_of_start(cause, zero, &log)),
    };
    serve_probes(&arguments.operation, serving.manager.clone(), &life, &quit).await?;
    life.enter(Stage::Started);
    service::tell_ready("making leases", &log);
    let cause = tokio::select! {
        cause = signals.next() => cause,
        () = quit.notified() => entrakey_service::Cause::Asked,
    };
    service::end(&arguments.operation, &life, &connections, &log, cause, signals).await;
    serving.end().await;
    Ok(cause.exit_code(zero))
}

/// What the process has that leases are made in.
#[derive(Clone)]
pub(crate) struct Process {
    pub(crate) life: Life,
    pub(crate) log: Log,
    pub(crate) connections: Connections,
    /// How many there are in it, this one among them.
    pub(crate) services: u64,
}

/// Leases that are being made.
pub(crate) struct Serving {
    pub(crate) manager: Arc<Manager>,
    fronts: Vec<JoinHandle<()>>,
    running: JoinHandle<()>,
}

impl Serving {
    /// When the service drains: waits until no more clients come in.
    pub(crate) async fn end(self) {
        for front in self.fronts {
            let _ = front.await; // its socket's file is gone then
        }
        self.running.abort();
    }
}

/// Makes leases from now on, until the process's life is over.
pub(crate) async fn begin(
    file: &File,
    arguments: &ServeArguments,
    handed: Vec<Activated>,
    process: Process,
) -> Result<Serving, Failure> {
    let Process { life, log, connections, services } = process;
    let store = open::store(&arguments.place, Some(file), true).await?;
    let azure = file.azure(&arguments.azure)?;
    let parts = Parts { file, keys: &arguments.identity.keys, azure: &azure, log: log.clone() };
    let manager = open::manager(parts, store)?;
    if arguments.check {
        check(&manager, &log).await?;
    }
    let given = &arguments.clients;
    let places = Places::at_most(service::connections_that_fit(given.max_connections, services, &log));
    let around = Surroundings {
        life,
        log,
        connections,
        places,
        users: Shares::at_most(given.max_connections_per_user.get()),
    };
    let fronts = fronts(given, handed, &around.log).await?;
    let fronts = fronts.into_iter().map(|front| start(front, &manager, &around)).collect();
    let running = tokio::spawn(manager.clone().run());
    Ok(Serving { manager, fronts, running })
}

fn start(front: Front, manager: &Arc<Manager>, around: &Surroundings) -> JoinHandle<()> {
    around.log.line(Severity::Info, format_args!("listening on {}", front.name()), &[]);
    tokio::spawn(front.run(manager.clone(), around.clone()))
}

/// What Azure may take for one entry: a token, and two questions at most.
const CHECK_OF_EACH: Duration = Duration::from_secs(75);

async fn check(manager: &Manager, log: &Log) -> Result<(), Failure> {
    service::tell_starting(CHECK_OF_EACH.saturating_mul(manager.count()), log);
    let mut is_good = true;
    for (name, verdict) in manager.check().await {
        match verdict {
            Ok(()) => log.line(Severity::Info, format_args!("{name}: Azure knows it"), &[]),
            Err(what) => {
                is_good = false;
                log.line(Severity::Error, format_args!("{name}: {what}"), &[]);
            }
        }
    }
    match is_good {
        true => Ok(()),
        false => Err(Failure::new(
            PROBLEM,
            "Azure does not know everything that the configuration names, see above.",
        )),
    }
}

/// Where clients come in: what systemd has opened, or what the options say.
async fn fronts(given: &ClientArguments, handed: Vec<Activated>, log: &Log) -> Result<Vec<Front>, Failure> {
    let tls = match (&given.tls_certificate, &given.tls_key) {
        (Some(certificate), Some(key)) => Some(server_config(certificate, key, log).map_err(Failure::usage)?),
        _ => None,
    };
    if !handed.is_empty() {
        return handed.into_iter().map(|one| adopt(one, tls.clone())).collect();
    }
    let mut fronts = Vec::new();
    if let Some(path) = &given.socket {
        let (listener, file) = bind_unix(path, SOCKET_MODE).map_err(|error| Failure::new(PROBLEM, error))?;
        fronts.push(Front::Unix { listener, path: path.clone(), file: Some(file) });
    }
    if !given.no_tcp {
        let address = resolve(&given.address).await;
        let address = address.map_err(|error| Failure::usage(format!("--address: {error}")))?;
        let address = SocketAddr::new(address, given.port);
        check_exposure(address, tls.is_some())?;
        let bound = bind_tcp(address, "choose another one with --port").await;
        let listener = bound.map_err(|error| Failure::new(PROBLEM, error))?;
        fronts.push(Front::Tcp { listener, tls });
    }
    Ok(fronts)
}

/// Bearer tokens and credentials go over it.
fn check_exposure(address: SocketAddr, has_tls: bool) -> Result<(), Failure> {
    let exposure = Exposure { address: address.ip(), has_tls, has_password: true };
    match exposure.check() {
        Ok(()) => Ok(()),
        Err(_) => Err(Failure::usage(format!(
            "{} can be reached from other machines, and anybody on the way could read tokens and credentials: give \
             --tls-certificate and --tls-key, or listen on 127.0.0.1 or a Unix socket.",
            address.ip()
        ))),
    }
}

/// Takes what systemd has opened.
fn adopt(handed: Activated, tls: Option<Arc<tokio_rustls::rustls::ServerConfig>>) -> Result<Front, Failure> {
    let failed = |error| Failure::new(PROBLEM, format!("a socket of systemd's cannot be used: {error}"));
    match handed {
        Activated::Tcp(listener) => {
            check_exposure(listener.local_addr().map_err(failed)?, tls.is_some())?;
            let listener = TcpListener::from_std(listener).map_err(failed)?;
            Ok(Front::Tcp { listener, tls })
        }
        Activated::Unix(listener) => {
            let address = listener.local_addr().map_err(failed)?;
            let Some(path) = address.as_pathname().map(Path::to_owned) else {
                return Err(Failure::usage(
                    "a socket of systemd's is an abstract one, whose clients no directory keeps out: use a path.",
                ));
            };
            Ok(Front::Unix { listener: UnixListener::from_std(listener).map_err(failed)?, path, file: None })
        }
    }
}
