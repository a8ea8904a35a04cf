//! A service's process: its log, and how it ends.

use super::arguments::OperationArguments;
use crate::exit_code::PROBLEM;
use crate::failure::Failure;
use crate::settings::misspelt_variables;
use entrakey_service::{
    Cause, Connections, Delays, Format, Life, Log, Severity, Signals, drain, raise_descriptor_limit, ready,
    starting, stopping,
};
use std::num::NonZeroUsize;
use std::time::Duration;

/// For the log's last lines.
pub(crate) const FLUSH: Duration = Duration::from_secs(1);

pub(crate) fn log(given: &OperationArguments) -> Result<Log, Failure> {
    let format = if given.structured_logs { Format::Json } else { Format::Human };
    let least = match (given.quiet, given.debug_logs) {
        (true, _) => Severity::Warning,
        (_, true) => Severity::Debug,
        _ => Severity::Info,
    };
    Log::to_stderr(format, least).map_err(no_thread)
}

pub(crate) fn no_thread(error: std::io::Error) -> Failure {
    Failure::new(PROBLEM, format!("no thread can be started: {error}"))
}

/// Says which options that were typed everybody can read, and which variables nobody reads.
pub(crate) fn tell_of_given(exposed: &[String], log: &Log) {
    let exposed = exposed.iter().map(|option| {
        format!("every user of this machine can read {option} in the list of processes: use its variable, or a file")
    });
    for what in exposed.chain(misspelt_variables().iter().map(ToString::to_string)) {
        log.line(Severity::Warning, what, &[]);
    }
}

/// Says that core dumps could not be forbidden, if so.
pub(crate) fn tell_of_dumps(outcome: std::io::Result<()>, log: &Log) {
    if let Err(error) = outcome {
        log.line(Severity::Warning, format_args!("core dumps cannot be forbidden: {error}"), &[]);
    }
}

/// What listens, what asks for health and metrics (64 at most), the runtimes, requests to Azure, files, the log.
const FOR_THE_REST: u64 = 200;

/// As many as there can be open files, for each of the `services` of this process: strangers' connections make room for
/// newcomers once all places are taken, and must not take the last descriptor before.
pub(crate) fn connections_that_fit(wanted: NonZeroUsize, services: u64, log: &Log) -> usize {
    let wanted = wanted.get();
    let Some(limit) = raise_descriptor_limit() else { return wanted };
    let fitting = limit.saturating_sub(FOR_THE_REST) / services.max(1);
    let fitting = usize::try_from(fitting).unwrap_or(usize::MAX).max(2);
    if wanted > fitting {
        let what = format_args!(
            "there is room for {fitting} connections and not for {wanted}: this process may have {limit} open files. Raise the \
             limit (LimitNOFILE= in a unit of systemd, ulimit -n in a shell) or lower --max-connections"
        );
        log.line(Severity::Warning, what, &[]);
    }
    wanted.min(fitting)
}

/// For what is done besides waiting until the service works.
const BESIDES: Duration = Duration::from_secs(30);

/// Tells systemd that the service may wait so long until it works: the unit's own limit (90 s) would end it before.
pub(crate) fn tell_starting(most: Duration, log: &Log) {
    told(starting(most.saturating_add(BESIDES)), "starts", log);
}

/// Tells systemd that the service works.
pub(crate) fn tell_ready(status: &str, log: &Log) {
    told(ready(status), "is ready", log);
}

fn told(outcome: std::io::Result<()>, what: &str, log: &Log) {
    if let Err(error) = outcome {
        let what = format_args!("systemd could not be told that the service {what}: {error}");
        log.line(Severity::Warning, what, &[]);
    }
}

/// The exit code of a service that is told to end before it has begun: whoever its start waits for may not answer for long.
pub(crate) fn end_of_start(cause: Cause, exit_zero_on_sigterm: bool, log: &Log) -> u8 {
    log.line(Severity::Info, format_args!("ending because of {}, before it has begun", cause.name()), &[]);
    cause.exit_code(exit_zero_on_sigterm)
}

/// Leads the service to its end: clients that it has may finish.
pub(crate) async fn end(
    given: &OperationArguments,
    life: &Life,
    connections: &Connections,
    log: &Log,
    cause: Cause,
    mut signals: Signals,
) {
    let open = connections.count();
    log.line(Severity::Info, format_args!("ending because of {}", cause.name()), &[("connections", &open)]);
    told(stopping(), "ends", log);
    let delays = Delays { least: given.min_sigterm_delay, most: given.max_sigterm_delay };
    let told_again = async {
        signals.next().await;
    };
    match drain(life, connections, delays, told_again).await {
        0 => {}
        1 => log.line(Severity::Warning, "1 connection of a client is cut off", &[]),
        cut => log.line(Severity::Warning, format_args!("{cut} connections of clients are cut off"), &[]),
    }
}
