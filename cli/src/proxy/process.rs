//! The process: from a plan to its exit code.

use super::arguments::ProcessArguments;
use super::cluster::needs_a_port;
use super::descriptors::shortage;
use super::plan::{Plan, Upstream};
use super::service::Shared;
use super::start::{Running, start};
use crate::exit_code::PROBLEM;
use crate::failure::Failure;
use entrakey_service::{
    Activated, Cause, Connections, Delays, Format, Life, Log, Severity, Signals, Stage, Workers, activated,
    drain, raise_descriptor_limit, ready, stopping,
};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// For the log's last lines.
const FLUSH: Duration = Duration::from_secs(1);

/// Runs until the process is told to end.
pub(super) fn run(plan: Plan) -> Result<u8, Failure> {
    let handed = activated().map_err(|error| Failure::new(PROBLEM, error))?; // before the first thread
    let limit = raise_descriptor_limit();
    let shortage = limit.map(|limit| shortage(&plan, limit)).transpose()?.flatten();
    let log = log(&plan.process)?;
    if let Some(what) = shortage {
        log.line(Severity::Warning, what, &[]);
    }
    let workers = Workers::start().map_err(no_thread)?;
    // For all that is not a client's connection.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(no_thread)?;
    let outcome = runtime.block_on(live(&plan, handed, &log, workers));
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

async fn live(plan: &Plan, handed: Vec<Activated>, log: &Log, workers: Workers) -> Result<u8, Failure> {
    let mut signals = Signals::new().map_err(|error| Failure::new(PROBLEM, error))?;
    let most = plan.process.max_connections.map(NonZeroUsize::get);
    let connections = Connections::at_most(most);
    let shared = Shared { connections, workers, life: Life::default(), log: log.clone() };
    let quit = Arc::new(Notify::new());
    let started = tokio::select! {
        started = start(plan, handed, &shared, &quit) => started,
        cause = signals.next() => return Ok(cause.exit_code(plan.process.exit_zero_on_sigterm)),
        () = quit.notified() => return Ok(Cause::Asked.exit_code(plan.process.exit_zero_on_sigterm)),
    };
    let Running { fronts, mut asked, _providers, .. } = started?;
    tell_systemd(&plan.upstreams, log);
    let cause = tokio::select! {
        cause = signals.next() => Ok(cause),
        () = quit.notified() => Ok(Cause::Asked),
        failure = needs_a_port(&mut asked) => Err(failure),
    };
    match cause {
        Ok(cause) => end(&plan.process, &shared, cause, signals).await,
        Err(_) => shared.life.enter(Stage::Ended),
    }
    for front in fronts {
        let _ = front.await; // its socket's file is gone then
    }
    cause.map(|cause| cause.exit_code(plan.process.exit_zero_on_sigterm))
}

fn tell_systemd(upstreams: &[Upstream], log: &Log) {
    let names: Vec<_> = upstreams.iter().map(|upstream| upstream.target.to_string()).collect();
    if let Err(error) = ready(&format!("for {}", names.join(", "))) {
        let what = format_args!("systemd could not be told that the proxy is ready: {error}");
        log.line(Severity::Warning, what, &[]);
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
    let cut = drain(&shared.life, &shared.connections, delays, told_again).await;
    match cut {
        0 => {}
        1 => log.line(Severity::Warning, "1 connection of a client is cut off", &[]),
        _ => log.line(Severity::Warning, format_args!("{cut} connections of clients are cut off"), &[]),
    }
}
