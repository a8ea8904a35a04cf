//! The process: from a plan to its exit code.

use super::arguments::ProcessArguments;
use super::front::{Front, Reach, adopt, open};
use super::password::password;
use super::plan::{Plan, Upstream};
use super::probes::{self, Probes};
use super::providers::Providers;
use super::repeats::Repeats;
use super::service::{Refused, Service, Shared};
use crate::failure::{Failure, NETWORK, PROBLEM, REFUSED};
use entrakey_core::Provider;
use entrakey_proxy::{DialFailure, Options, Proxy, tls_config};
use entrakey_service::{
    Activated, Cause, Connections, Delays, Format, Life, Log, Severity, Signals, Stage, activated, drain,
    raise_descriptor_limit, ready, server_config, stopping,
};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// For the log's last lines.
const FLUSH: Duration = Duration::from_secs(1);

/// Runs until the process is told to end.
pub(super) fn run(plan: Plan) -> Result<u8, Failure> {
    let handed = activated().map_err(|error| Failure::new(PROBLEM, error))?; // before the first thread
    raise_descriptor_limit();
    let log = log(&plan.process)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(no_thread)?;
    let outcome = runtime.block_on(live(&plan, handed, &log));
    runtime.shutdown_background();
    if let Err(failure) = &outcome {
        log.line(Severity::Error, failure, &[]);
    }
    log.flush(FLUSH);
    outcome.or_else(|failure| Ok(failure.code)) // it is in the log
}

fn log(given: &ProcessArguments) -> Result<Log, Failure> {
    let format = if given.structured_logs { Format::Json } else { Format::Human };
    let least = match (given.quiet, given.debug_logs) {
        (true, _) => Severity::Warning,
        (_, true) => Severity::Debug,
        _ => Severity::Info,
    };
    Log::to_stderr(format, least).map_err(no_thread)
}

fn no_thread(error: std::io::Error) -> Failure {
    Failure::new(PROBLEM, format!("no thread can be started: {error}"))
}

async fn live(plan: &Plan, handed: Vec<Activated>, log: &Log) -> Result<u8, Failure> {
    let mut signals = Signals::new().map_err(|error| Failure::new(PROBLEM, error))?;
    let most = plan.process.max_connections.map(NonZeroUsize::get);
    let shared = Shared { connections: Connections::at_most(most), life: Life::default(), log: log.clone() };
    let quit = Arc::new(Notify::new());
    let started = tokio::select! {
        started = start(plan, handed, &shared, &quit) => started,
        cause = signals.next() => return Ok(cause.exit_code(plan.process.exit_zero_on_sigterm)),
    };
    let Running { fronts, _providers } = started?;
    let cause = tokio::select! {
        cause = signals.next() => cause,
        () = quit.notified() => Cause::Asked,
    };
    end(&plan.process, &shared, cause, signals).await;
    for front in fronts {
        let _ = front.await; // its socket's file is gone then
    }
    Ok(cause.exit_code(plan.process.exit_zero_on_sigterm))
}

/// What ends with the process, or when it is dropped.
struct Running {
    fronts: Vec<JoinHandle<()>>,
    _providers: Providers,
}

/// Everything that can fail at the beginning does so before the first client is taken.
async fn start(
    plan: &Plan,
    handed: Vec<Activated>,
    shared: &Shared,
    quit: &Arc<Notify>,
) -> Result<Running, Failure> {
    warn_of_exposed(plan, &shared.log);
    let providers = Providers::new(&plan.upstreams, &shared.log)?;
    let each = plan.upstreams.iter().zip(providers.of_each());
    let services = each.map(|(upstream, provider)| service(upstream, provider, shared).map(Arc::new));
    let services = services.collect::<Result<Vec<_>, _>>()?;
    let fronts = fronts(plan, handed, &services).await?;
    let (all, connections) = (providers.all(), shared.connections.clone());
    let probes = Probes { services: services.clone(), providers: all, connections };
    probes::start(&plan.process, Arc::new(probes), &shared.life, quit).await?;
    if plan.process.run_connection_test {
        for (service, provider) in services.iter().zip(providers.of_each()) {
            test(service, provider).await?;
        }
    }
    providers.fetch();
    shared.life.enter(Stage::Started);
    let run = |(front, service): (Front, Arc<Service>)| {
        tell(&front, &service);
        tokio::spawn(front.run(service))
    };
    let fronts = fronts.into_iter().map(run).collect();
    let names: Vec<_> = services.iter().map(|service| service.name.as_str()).collect();
    if let Err(error) = ready(&format!("for {}", names.join(", "))) {
        let what = format_args!("systemd could not be told that the proxy is ready: {error}");
        shared.log.line(Severity::Warning, what, &[]);
    }
    Ok(Running { fronts, _providers: providers })
}

fn warn_of_exposed(plan: &Plan, log: &Log) {
    for option in &plan.exposed {
        let what = format_args!(
            "every user of this machine can read {option} in the list of processes: use its variable, or a file"
        );
        log.line(Severity::Warning, what, &[]);
    }
}

/// Where each upstream's clients come in: what systemd has opened, or what the options say.
async fn fronts(
    plan: &Plan,
    handed: Vec<Activated>,
    services: &[Arc<Service>],
) -> Result<Vec<(Front, Arc<Service>)>, Failure> {
    let (mut fronts, mut taken) = (Vec::new(), Vec::new());
    if !handed.is_empty() && plan.upstreams.len() > 1 {
        let what =
            "systemd hands over sockets, and nothing says for which upstream: start one proxy for each";
        return Err(Failure::usage(what));
    }
    let is_ours = handed.is_empty();
    for (upstream, service) in plan.upstreams.iter().zip(services) {
        if is_ours {
            let opened = open(&upstream.clients, &mut taken).await?;
            fronts.extend(opened.into_iter().map(|front| (front, service.clone())));
        }
    }
    for (socket, (upstream, service)) in handed.into_iter().zip(plan.upstreams.iter().zip(services).cycle()) {
        fronts.push((adopt(socket, &upstream.clients)?, service.clone()));
    }
    Ok(fronts)
}

fn service(upstream: &Upstream, provider: &Provider, shared: &Shared) -> Result<Service, Failure> {
    let clients = &upstream.clients;
    let config = tls_config(upstream.ca_file.as_deref().map(Path::new));
    let config = config.map_err(|error| Failure::usage(format!("--ca-file: {error}")))?;
    let target = &upstream.target;
    let server =
        entrakey_proxy::Upstream::verified(&target.host, target.port, config).map_err(Failure::usage)?;
    let server = server.with_connect_timeout(clients.connect_timeout);
    let tls = match (&clients.tls_certificate, &clients.tls_key) {
        (Some(certificate), Some(key)) => {
            let config = server_config(certificate, key);
            Some(TlsAcceptor::from(
                config.map_err(|error| Failure::usage(format!("--tls-certificate: {error}")))?,
            ))
        }
        _ => None,
    };
    let options = Options { password: password(clients)? };
    let has_password = options.password.is_some();
    Ok(Service {
        name: target.to_string(),
        proxy: Proxy::new(server, provider.clone(), options),
        tls,
        has_password,
        allowed: clients.allow_uid.clone(),
        shared: shared.clone(),
        refused: Refused::default(),
        troubles: Repeats::default(),
    })
}

/// Whether the whole way works: "listening" is easily taken for it.
async fn test(service: &Service, provider: &Provider) -> Result<(), Failure> {
    let name: &dyn std::fmt::Display = &service.name;
    match service.proxy.test().await {
        Ok(dialed) => {
            let what = format_args!(
                "the connection works: PING took {} ms as user {}",
                dialed.took.as_millis(),
                dialed.username
            );
            service.shared.log.line(
                Severity::Info,
                what,
                &[("upstream", name), ("address", &dialed.address)],
            );
            Ok(())
        }
        Err(error) => {
            let code = match error.failure {
                DialFailure::Auth => REFUSED,
                DialFailure::Token => super::providers::exit_code(provider).unwrap_or(NETWORK),
                _ => NETWORK,
            };
            Err(Failure::new(code, format!("the connection test failed: {error}")))
        }
    }
}

fn tell(front: &Front, service: &Service) {
    let (log, name) = (&service.shared.log, front.name());
    log.line(Severity::Info, format_args!("listening on {name}"), &[("upstream", &service.name)]);
    if service.has_password {
        return;
    }
    match front.reach() {
        Reach::Owner => {}
        Reach::Machine => log.line(
            Severity::Info,
            format_args!(
                "every user of this machine can use the identity by {name}: --unix-socket or --password-file narrow that down"
            ),
            &[],
        ),
        Reach::Network => log.line(
            Severity::Warning,
            format_args!("everybody who reaches {name} can use the identity: --password-file narrows that down"),
            &[],
        ),
    }
}

async fn end(given: &ProcessArguments, shared: &Shared, cause: Cause, mut signals: Signals) {
    let (log, open) = (&shared.log, shared.connections.count());
    log.line(Severity::Info, format_args!("ending because of {}", cause.name()), &[("connections", &open)]);
    if let Err(error) = stopping() {
        log.line(
            Severity::Warning,
            format_args!("systemd could not be told that the proxy ends: {error}"),
            &[],
        );
    }
    let delays = Delays { least: given.min_sigterm_delay, most: given.max_sigterm_delay };
    let told_again = async {
        signals.next().await;
    };
    drain(&shared.life, &shared.connections, delays, told_again).await;
    let cut = shared.connections.count();
    if cut > 0 {
        log.line(Severity::Warning, format_args!("{cut} connections of clients are cut off"), &[]);
    }
}
