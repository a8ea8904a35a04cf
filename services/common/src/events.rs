//! What a provider reports, as lines of a service's log.

use crate::{Log, Severity};
use entrakey_core::{Error, Level, Observation, Provider};

/// Writes the provider's events to the log, under `name` if there are several. Dropping what this returns ends it.
///
/// # Errors
/// `CLOSED`: the provider was closed.
pub fn log_events(provider: &Provider, name: Option<String>, log: &Log) -> Result<Observation, Error> {
    let log = log.clone();
    let level = if log.takes(Severity::Debug) { Level::Debug } else { Level::Info };
    provider.observe(level, move |event| {
        let severity = match event.level() {
            Level::Warn => Severity::Warning,
            Level::Info => Severity::Info,
            Level::Debug => Severity::Debug,
        };
        match &name {
            Some(name) => log.line(severity, event, &[("event", &event.name()), ("provider", name)]),
            None => log.line(severity, event, &[("event", &event.name())]),
        }
    })
}
