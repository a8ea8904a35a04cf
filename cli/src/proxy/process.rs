//! The process: from a plan to its exit code.

use super::arguments::ProcessArguments;
use super::front::{Front, open};
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
    Cause, Connections, Delays, Format, Life, Log, Severity, Signals, Stage, drain, ready, server_config,
    stopping,
};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

/// For the log's last lines.
const FLUSH: Duration = Duration::from_secs(1);

/// Runs until the process is told to end.
pub(super) fn run(plan: Plan) -> Result<u8, Failure> {
    let log = log(&plan.process)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(no_thread)?;
    let outcome = runtime.block_on(live(&plan, &log));
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

async fn live(plan: &Plan, log: &Log) -> Result<u8, Failure> {
    let mut signals = Signals::new().map_err(|error| Failure::new(PROBLEM, error))?;
    let most = plan.process.max_connections.map(NonZeroUsize::get);
    let shared = Shared { connections: Connections::at_most(most), life: Life::default(), log: log.clone() };
    let quit = Arc::new(Notify::new());
    let started = tokio::select! {
        started = start(plan, &shared, &quit) => started,
        cause = signals.next() => return Ok(cause.exit_code(plan.process.exit_zero_on_sigterm)),
    };
    let _kept = started?; // what would end when dropped
    let cause = tokio::select! {
        cause = signals.next() => cause,
        () = quit.notified() => Cause::Asked,
    };
    end(&plan.process, &shared, cause, signals).await;
    Ok(cause.exit_code(plan.process.exit_zero_on_sigterm))
}

/// Everything that can fail at the beginning does so before the first client is taken.
async fn start(plan: &Plan, shared: &Shared, quit: &Arc<Notify>) -> Result<Providers, Failure> {
    for option in &plan.exposed {
        let what = format_args!(
            "every user of this machine can read {option} in the list of processes: use its variable or file"
        );
        shared.log.line(Severity::Warning, what, &[]);
    }
    let providers = Providers::new(&plan.upstreams, &shared.log)?;
    let (mut services, mut fronts, mut taken) = (Vec::new(), Vec::new(), Vec::new());
    for (upstream, provider) in plan.upstreams.iter().zip(providers.of_each()) {
        let service = Arc::new(service(upstream, provider, shared)?);
        for front in open(&upstream.clients, &mut taken).await? {
            fronts.push((front, service.clone()));
        }
        services.push(service);
    }
    let probes = Arc::new(Probes {
        services: services.clone(),
        providers: providers.all(),
        connections: shared.connections.clone(),
    });
    probes::start(&plan.process, probes, &shared.life, quit).await?;
    if plan.process.run_connection_test {
        for (service, provider) in services.iter().zip(providers.of_each()) {
            test(service, provider).await?;
        }
    }
    providers.fetch();
    shared.life.enter(Stage::Started);
    for (front, service) in fronts {
        tell(&front, &service, &plan.upstreams);
        tokio::spawn(front.run(service));
    }
    let names: Vec<_> = services.iter().map(|service| service.name.as_str()).collect();
    if let Err(error) = ready(&format!("for {}", names.join(", "))) {
        shared.log.line(
            Severity::Warning,
            format_args!("systemd could not be told that the proxy is ready: {error}"),
            &[],
        );
    }
    Ok(providers)
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
    Ok(Service {
        name: target.to_string(),
        proxy: Proxy::new(server, provider.clone(), options),
        tls,
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
            Err(Failure::new(code, format!("the connection test of {name} failed: {error}")))
        }
    }
}

fn tell(front: &Front, service: &Service, upstreams: &[Upstream]) {
    let (log, name) = (&service.shared.log, front.name());
    log.line(Severity::Info, format_args!("listening on {name}"), &[("upstream", &service.name)]);
    let is_open = |upstream: &&Upstream| {
        let clients = &upstream.clients;
        clients.password.is_none()
            && clients.password_file.is_none()
            && upstream.target.to_string() == service.name
    };
    if matches!(front, Front::Tcp(_)) && upstreams.iter().any(|upstream| is_open(&upstream)) {
        let what = format_args!(
            "every user of this machine can use the identity by {name}: --unix-socket or --password-file narrow that down"
        );
        log.line(Severity::Info, what, &[]);
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
