//! The process: from a plan to its exit code.

use super::arguments::WhoArguments;
use super::place;
use super::plan::{Everything, Reader};
use crate::exit_code::PROBLEM;
use crate::failure::Failure;
use crate::leases;
use crate::service::{self, serve_probes};
use entrakey_agent::{Agent, Front, Limits, Process, Unfit};
use entrakey_core::has_foreign_privileges;
use entrakey_service::{
    Activated, Connections, Life, Log, ReloadCause, Reloads, Severity, Signals, Stage, Workers, activated,
    bind_tcp, bind_unix, forbid_core_dumps, lock_memory, raise_descriptor_limit, resolve,
};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Notify;

/// The socket is for the group too; which users and groups are let in is looked at besides.
const SOCKET_MODE: u32 = 0o660;

/// Runs until the process is told to end.
pub(super) fn run(reader: &Reader) -> Result<u8, Failure> {
    if has_foreign_privileges() {
        return Err(Failure::usage(
            "This program is setuid or setgid, or its file has capabilities: whoever starts it would decide whose tokens \
             it hands to whom. Start it as a service of its own user.",
        ));
    }
    let handed = activated().map_err(|error| Failure::new(PROBLEM, error))?; // before the first thread
    let dumps = forbid_core_dumps(); // before there is a secret
    let everything = reader.read()?;
    let _ = raise_descriptor_limit();
    let log = service::log(&everything.arguments.operation)?;
    tell_of_exposed(&everything, &log);
    tell_of_memory(dumps, &log);
    let workers = Workers::start().map_err(service::no_thread)?;
    // For all that is not a client's connection.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(service::no_thread)?;
    let process = Process {
        workers,
        connections: Connections::at_most(None), // the agent has limits of its own
        life: Life::default(),
        log: log.clone(),
    };
    let outcome = runtime.block_on(live(reader, everything, handed, process));
    runtime.shutdown_background();
    if let Err(failure) = &outcome {
        log.line(Severity::Error, failure, &[]);
    }
    log.flush(service::FLUSH);
    outcome.or_else(|failure| Ok(failure.code)) // it is in the log
}

fn tell_of_exposed(everything: &Everything, log: &Log) {
    for option in everything.arguments.identity.exposed() {
        let what = format_args!(
            "every user of this machine can read {option} in the list of processes: use its variable, or a file"
        );
        log.line(Severity::Warning, what, &[]);
    }
}

fn tell_of_memory(dumps: std::io::Result<()>, log: &Log) {
    if let Err(error) = dumps {
        log.line(Severity::Warning, format_args!("core dumps cannot be forbidden: {error}"), &[]);
    }
    match lock_memory() {
        Ok(()) => log.line(Severity::Debug, "memory is locked", &[]),
        Err(why) => {
            log.line(Severity::Info, format_args!("memory is not locked, and may be swapped out: {why}"), &[])
        }
    }
}

async fn live(
    reader: &Reader,
    everything: Everything,
    handed: Vec<Activated>,
    process: Process,
) -> Result<u8, Failure> {
    let mut signals = Signals::new().map_err(|error| Failure::new(PROBLEM, error))?;
    let reloads = Reloads::new(reader.files(&everything.arguments));
    let mut reloads = reloads.map_err(|error| Failure::new(PROBLEM, error))?;
    let plan = reader.read()?.plan; // as the files are now that changes are seen
    let (operation, log, life) = (&everything.arguments.operation, process.log.clone(), process.life.clone());
    let (connections, zero) = (process.connections.clone(), operation.exit_zero_on_sigterm);
    let quit = Arc::new(Notify::new());
    let given = &everything.arguments.limits;
    let limits = Limits {
        connections: given.max_connections.get(),
        connections_of_a_user: given.max_connections_per_user.get(),
        requests_per_second: given.max_requests,
        wait: given.wait,
    };
    let agent = Agent::new(&plan, limits, process).map_err(unfit)?;
    let fronts = fronts(&everything, handed, &agent).await?;
    let leases = match &everything.leases {
        Some(file) => Some(make_leases(file, &life, &log, &connections).await?),
        None => None,
    };
    serve_probes(operation, agent.clone(), &life, &quit).await?;
    let fronts: Vec<_> = fronts
        .into_iter()
        .map(|front| {
            log.line(Severity::Info, format_args!("listening on {}", front.name()), &[]);
            tokio::spawn(front.run(agent.clone()))
        })
        .collect();
    let cause = tokio::select! {
        () = serve(&agent, reader, &mut reloads, &life, &log) => None,
        cause = signals.next() => Some(cause),
        () = quit.notified() => Some(entrakey_service::Cause::Asked),
    };
    let Some(cause) = cause else { return Ok(PROBLEM) };
    service::end(operation, &life, &connections, &log, cause, signals).await;
    for front in fronts {
        let _ = front.await; // its socket's file is gone then
    }
    if let Some(leases) = leases {
        leases.end().await;
    }
    Ok(cause.exit_code(zero))
}

/// Leases in this process, as its file wants them.
async fn make_leases(
    file: &leases::File,
    life: &Life,
    log: &Log,
    connections: &Connections,
) -> Result<leases::Serving, Failure> {
    let process = leases::Process { life: life.clone(), log: log.clone(), connections: connections.clone() };
    leases::begin(file, &file.untyped_arguments()?, Vec::new(), process).await
}

/// Never ends by itself.
async fn serve(agent: &Arc<Agent>, reader: &Reader, reloads: &mut Reloads, life: &Life, log: &Log) {
    agent.fetch().await;
    life.enter(Stage::Started);
    service::tell_ready("handing out tokens", log);
    loop {
        let cause = reloads.next().await;
        let because = match cause {
            ReloadCause::Asked => "SIGHUP",
            ReloadCause::Changed => "a change of a file",
        };
        let outcome = reader.read().and_then(|everything| agent.reload(&everything.plan).map_err(unfit));
        agent.count_reload(outcome.is_ok());
        match outcome {
            Ok(()) => {
                log.line(Severity::Info, format_args!("the files were read again because of {because}"), &[])
            }
            Err(failure) => {
                let what = format_args!(
                    "the files were read again because of {because}, and are no good; what was \
                                         there before holds: {failure}"
                );
                log.line(Severity::Error, what, &[]);
            }
        }
        let agent = agent.clone();
        tokio::spawn(async move { agent.fetch().await }); // for identities that are new
    }
}

fn unfit(unfit: Unfit) -> Failure {
    match unfit {
        Unfit::Plan(what) => Failure::usage(format!("{what}.")),
        Unfit::Identity { id, error } => {
            let failure = Failure::from(error);
            Failure::new(failure.code, format!("identity \"{id}\": {failure}"))
        }
    }
}

/// Where clients come in: what systemd has opened, or what the options say.
async fn fronts(
    everything: &Everything,
    handed: Vec<Activated>,
    agent: &Agent,
) -> Result<Vec<Front>, Failure> {
    let given = &everything.arguments.who;
    if !handed.is_empty() {
        return handed.into_iter().map(adopt).collect();
    }
    let path = place::socket(&everything.directory);
    let (listener, file) = bind_unix(&path, SOCKET_MODE).map_err(|error| Failure::new(PROBLEM, error))?;
    let mut fronts = vec![Front::Unix { listener, path, file: Some(file) }];
    if !given.no_app_service && agent.has_secrets() {
        fronts.push(Front::Tcp(open_tcp(given).await?));
    }
    Ok(fronts)
}

async fn open_tcp(given: &WhoArguments) -> Result<TcpListener, Failure> {
    let address = resolve(&given.address).await;
    let address = address.map_err(|error| Failure::usage(format!("--address: {error}")))?;
    let address = SocketAddr::new(address, given.port);
    check_loopback(address)?;
    let bound = bind_tcp(address, "choose another one with --port, or --no-app-service").await;
    bound.map_err(|error| Failure::new(PROBLEM, error))
}

/// The secrets of clients go over it as they are.
fn check_loopback(address: SocketAddr) -> Result<(), Failure> {
    match address.ip().to_canonical().is_loopback() {
        true => Ok(()),
        false => Err(Failure::usage(format!(
            "{} can be reached from other machines, and tokens would go over the network in clear: App Service's endpoint \
             is on 127.0.0.1 or [::1] only.",
            address.ip()
        ))),
    }
}

/// Takes what systemd has opened.
fn adopt(handed: Activated) -> Result<Front, Failure> {
    let failed = |error| Failure::new(PROBLEM, format!("a socket of systemd's cannot be used: {error}"));
    match handed {
        Activated::Tcp(listener) => {
            check_loopback(listener.local_addr().map_err(failed)?)?;
            TcpListener::from_std(listener).map(Front::Tcp).map_err(failed)
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
