//! The process: from a plan to its exit code.

use super::cluster::needs_a_port;
use super::descriptors::shortage;
use super::plan::{Plan, Upstream};
use super::service::Shared;
use super::start::{Running, start};
use crate::exit_code::PROBLEM;
use crate::failure::Failure;
use crate::service;
use entrakey_service::{
    Activated, Cause, Connections, Life, Log, Severity, Signals, Stage, Workers, activated,
    forbid_core_dumps, raise_descriptor_limit,
};
use std::num::NonZeroUsize;
use std::sync::Arc;
use tokio::sync::Notify;

/// Runs until the process is told to end.
pub(super) fn run(plan: Plan) -> Result<u8, Failure> {
    let handed = activated().map_err(|error| Failure::new(PROBLEM, error))?; // before the first thread
    let dumps = forbid_core_dumps(); // before there is a token
    let limit = raise_descriptor_limit();
    let shortage = limit.map(|limit| shortage(&plan, limit)).transpose()?.flatten();
    let log = service::log(&plan.process.operation)?;
    service::tell_of_dumps(dumps, &log);
    if let Some(what) = shortage {
        log.line(Severity::Warning, what, &[]);
    }
    let workers = Workers::start().map_err(service::no_thread)?;
    // For all that is not a client's connection.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(service::no_thread)?;
    let outcome = runtime.block_on(live(&plan, handed, &log, workers));
    runtime.shutdown_background();
    if let Err(failure) = &outcome {
        log.line(Severity::Error, failure, &[]);
    }
    log.flush(service::FLUSH);
    outcome.or_else(|failure| Ok(failure.code)) // it is in the log
}

async fn live(plan: &Plan, handed: Vec<Activated>, log: &Log, workers: Workers) -> Result<u8, Failure> {
    let mut signals = Signals::new().map_err(|error| Failure::new(PROBLEM, error))?;
    let most = plan.process.max_connections.map(NonZeroUsize::get);
    let connections = Connections::at_most(most);
    let shared = Shared { connections, workers, life: Life::default(), log: log.clone() };
    let (quit, zero) = (Arc::new(Notify::new()), plan.process.operation.exit_zero_on_sigterm);
    let started = tokio::select! {
        started = start(plan, handed, &shared, &quit) => started,
        cause = signals.next() => return Ok(service::end_of_start(cause, zero, log)),
        () = quit.notified() => return Ok(service::end_of_start(Cause::Asked, zero, log)),
    };
    let Running { fronts, mut asked, _providers, .. } = started?;
    tell_systemd(&plan.upstreams, log);
    let cause = tokio::select! {
        cause = signals.next() => Ok(cause),
        () = quit.notified() => Ok(Cause::Asked),
        failure = needs_a_port(&mut asked) => Err(failure),
    };
    match cause {
        Ok(cause) => {
            service::end(&plan.process.operation, &shared.life, &shared.connections, log, cause, signals)
                .await
        }
        Err(_) => shared.life.enter(Stage::Ended),
    }
    for front in fronts {
        let _ = front.await; // its socket's file is gone then
    }
    cause.map(|cause| cause.exit_code(zero))
}

fn tell_systemd(upstreams: &[Upstream], log: &Log) {
    let names: Vec<_> = upstreams.iter().map(|upstream| upstream.target.to_string()).collect();
    service::tell_ready(&format!("for {}", names.join(", ")), log);
}
