//! The process: from a plan to its exit code.

use super::arguments::WhoArguments;
use super::leases::{self, Leases};
use super::place;
use super::plan::{Everything, Reader};
use super::probes::Probes;
use crate::exit_code::PROBLEM;
use crate::failure::Failure;
use crate::service::{self, serve_probes};
use axum::http::Uri;
use entrakey_agent::{Agent, Front, Limits, Process, Unfit};
use entrakey_core::has_foreign_privileges;
use entrakey_service::{
    Activated, Connections, Life, Log, ReloadCause, Reloads, Seen, Severity, Signals, Stage, Workers,
    activated, bind_tcp, bind_unix, forbid_core_dumps, lock_memory, resolve,
};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
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
    let mut seen = Seen::default();
    let everything = reader.read(None, &mut seen)?;
    let log = service::log(&everything.arguments.operation)?;
    service::tell_of_given(&everything.arguments.identity.exposed(), &log);
    service::tell_of_dumps(dumps, &log);
    tell_of_memory(&log);
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
    let outcome = runtime.block_on(live(reader, (everything, seen), handed, process));
    runtime.shutdown_background();
    if let Err(failure) = &outcome {
        log.line(Severity::Error, failure, &[]);
    }
    log.flush(service::FLUSH);
    outcome.or_else(|failure| Ok(failure.code)) // it is in the log
}

fn tell_of_memory(log: &Log) {
    match lock_memory() {
        Ok(()) => log.line(Severity::Debug, "memory is locked", &[]),
        Err(why) => {
            log.line(Severity::Info, format_args!("memory is not locked, and may be swapped out: {why}"), &[])
        }
    }
}

async fn live(
    reader: &Reader,
    (everything, seen): (Everything, Seen),
    handed: Vec<Activated>,
    process: Process,
) -> Result<u8, Failure> {
    let mut signals = Signals::new().map_err(|error| Failure::new(PROBLEM, error))?;
    let mut reloads = Reloads::new(seen).map_err(|error| Failure::new(PROBLEM, error))?;
    let (operation, log, life) = (&everything.arguments.operation, process.log.clone(), process.life.clone());
    let (connections, zero) = (process.connections.clone(), operation.exit_zero_on_sigterm);
    let quit = Arc::new(Notify::new());
    let given = &everything.arguments.limits;
    let limits = Limits {
        connections: service::connections_that_fit(given.max_connections, everything.services(), &log),
        connections_of_each: given.max_connections_per_user.get(),
        requests_per_second: given.max_requests,
        wait: given.wait,
    };
    let agent = Agent::new(&everything.plan, limits, process).map_err(unfit)?;
    let has_own_socket = handed.is_empty();
    let mut leases = Leases::of(&everything, &life, &log, &connections)?;
    let fronts = fronts(&everything, handed, &agent, &log).await?;
    let probes = Probes { agent: agent.clone(), leases: leases.as_ref().map(Leases::manager) };
    serve_probes(operation, Arc::new(probes), &life, &quit).await?;
    let fronts: Vec<_> = fronts
        .into_iter()
        .map(|front| {
            log.line(Severity::Info, format_args!("listening on {}", front.name()), &[]);
            tokio::spawn(front.run(agent.clone()))
        })
        .collect();
    let cause = tokio::select! {
        () = begin(&agent, limits.wait, &life, &log) => return Ok(PROBLEM),
        () = follow(&agent, reader, &everything, has_own_socket, &mut reloads, &log) => return Ok(PROBLEM),
        failure = leases::begun(leases.as_mut()) => Err(failure),
        cause = signals.next() => Ok(cause),
        () = quit.notified() => Ok(entrakey_service::Cause::Asked),
    };
    match cause {
        Ok(cause) => service::end(operation, &life, &connections, &log, cause, signals).await,
        Err(_) => life.enter(Stage::Ended),
    }
    for front in fronts {
        let _ = front.await; // its socket's file is gone then
    }
    if let Some(leases) = leases {
        leases.end().await;
    }
    cause.map(|cause| cause.exit_code(zero))
}

/// Ready is who has asked for each identity's token. Never ends by itself.
async fn begin(agent: &Agent, wait: Duration, life: &Life, log: &Log) {
    service::tell_starting(wait, log);
    agent.fetch().await;
    life.enter(Stage::Started);
    service::tell_ready("handing out tokens", log);
    std::future::pending().await
}

/// Follows the files. Never ends by itself.
async fn follow(
    agent: &Arc<Agent>,
    reader: &Reader,
    first: &Everything,
    has_own_socket: bool,
    reloads: &mut Reloads,
    log: &Log,
) {
    let mut let_in: BTreeSet<_> = first.arguments.who.allow_gid.iter().copied().collect();
    loop {
        let because = match reloads.next().await {
            ReloadCause::Asked => "SIGHUP",
            ReloadCause::Changed => "a change of a file",
        };
        let mut seen = Seen::default();
        let now = reader.read(Some(first), &mut seen);
        reloads.follow(seen);
        let outcome = now.and_then(|now| agent.reload(&now.plan).map_err(unfit).map(|()| now));
        agent.count_reload(outcome.is_ok());
        match outcome {
            Ok(now) => {
                let gids = &now.arguments.who.allow_gid;
                if has_own_socket {
                    let_group_in(gids, &let_in, &now.directory, log);
                    let_in.extend(gids);
                }
                let differing = first.differs(&now);
                log.line(Severity::Info, format_args!("the files were read again because of {because}"), &[]);
                if !differing.is_empty() {
                    let names = differing.join(", ");
                    let what = format_args!(
                        "these settings are others now, and hold from the next start on: {names}"
                    );
                    log.line(Severity::Warning, what, &[]);
                }
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
    log: &Log,
) -> Result<Vec<Front>, Failure> {
    let fronts = match handed.is_empty() {
        true => open(everything, agent, log).await?,
        false => handed.into_iter().map(adopt).collect::<Result<_, _>>()?,
    };
    fronts.iter().try_for_each(check_source)?;
    Ok(fronts)
}

async fn open(everything: &Everything, agent: &Agent, log: &Log) -> Result<Vec<Front>, Failure> {
    let given = &everything.arguments.who;
    let path = place::socket(&everything.directory);
    let (listener, file) = bind_unix(&path, SOCKET_MODE).map_err(|error| Failure::new(PROBLEM, error))?;
    let_group_in(&given.allow_gid, &BTreeSet::new(), &everything.directory, log);
    let mut fronts = vec![Front::Unix { listener, path, file: Some(file) }];
    if !given.no_app_service && agent.has_secrets() {
        fronts.push(Front::Tcp(open_tcp(given).await?));
    }
    Ok(fronts)
}

/// A shell that has evaluated `entrakey agent env` is no place to start the agent in: it would ask itself.
fn check_source(front: &Front) -> Result<(), Failure> {
    let source = std::env::var("IDENTITY_ENDPOINT").unwrap_or_default();
    match front.address().is_some_and(|address| leads_to(&source, address)) {
        true => Err(Failure::usage(
            "IDENTITY_ENDPOINT names this agent itself, as `entrakey agent env` has it for clients: unset IDENTITY_ENDPOINT \
             IDENTITY_HEADER, and start it again.",
        )),
        false => Ok(()),
    }
}

/// Whether whoever asks at that URL comes to that address of loopback.
fn leads_to(url: &str, address: SocketAddr) -> bool {
    let Ok(url) = url.parse::<Uri>() else { return false };
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_it = host.eq_ignore_ascii_case("localhost")
        || host.parse().is_ok_and(|ip: IpAddr| ip.to_canonical() == address.ip().to_canonical());
    is_it && url.port_u16().unwrap_or(80) == address.port()
}

/// The members of a single group may connect: to look for a name in the directory and to write to the socket is the group's
/// right then. What is another group's already, and not one of those that were let in before, was made so by somebody who knows.
fn let_group_in(gids: &[u32], before: &BTreeSet<u32>, directory: &Path, log: &Log) {
    let [gid] = *gids else { return };
    let own = rustix::process::getegid().as_raw();
    let is_ours =
        |path: &Path| path.metadata().is_ok_and(|found| found.gid() == own || before.contains(&found.gid()));
    let socket = place::socket(directory);
    let mut ours = [directory, &socket].into_iter().filter(|path| is_ours(path));
    if let Err(error) = ours.try_for_each(|path| std::os::unix::fs::chown(path, None, Some(gid))) {
        let what = format_args!(
            "{} cannot be given to group {gid} ({error}): its members get in only if the permissions there let them",
            directory.display()
        );
        log.line(Severity::Warning, what, &[]);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_knows_its_own_endpoint_however_it_is_written() {
        let leads = |url: &str| leads_to(url, "127.0.0.1:8441".parse().unwrap());
        for itself in ["http://127.0.0.1:8441/msi/token", "http://LOCALHOST:8441/msi/token/?x=y"] {
            assert!(leads(itself), "{itself}");
        }
        for other in
            ["", "http://127.0.0.1:8442/msi/token", "http://169.254.1.1:8441/", "http://127.0.0.1/", "x"]
        {
            assert!(!leads(other), "{other}");
        }
        assert!(leads_to("http://[::1]:8441/msi/token", "[::1]:8441".parse().unwrap()));
    }
}
