//! An observer of events, and the new tokens that JavaScript keeps at hand.

use crate::convert::{Failure, number};
use crate::provider::Handle;
use entrakey_core::{Error, Level, Observation, ProviderEvent};
use napi::Result;
use napi::bindgen_prelude::{External, Function};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi_derive::napi;

/// An event as JavaScript sees it.
#[napi(object, object_from_js = false)]
pub struct EventParts {
    /// The name, the same in every language: `token_refreshed`.
    pub name: String,
    /// `warn`, `info` or `debug`.
    pub level: String,
    /// A line for a log, without secrets.
    pub message: String,
    /// The version of the token that the event is about.
    pub version: Option<f64>,
    /// When that token expires, milliseconds since the Unix epoch.
    pub expires_unix_ms: Option<f64>,
    /// Entra's id of that token.
    pub uti: Option<String>,
    /// What went wrong.
    pub error: Option<Failure>,
    /// Failures in a row.
    pub attempt: Option<u32>,
    /// Milliseconds until the next request.
    pub next_attempt_in_ms: Option<f64>,
    /// How often the event has come with this token.
    pub times: Option<f64>,
    /// The likely reason of a rejection.
    pub reason: Option<String>,
    /// How many connections the event is about.
    pub connections: Option<f64>,
}

impl From<&ProviderEvent> for EventParts {
    fn from(event: &ProviderEvent) -> Self {
        let mut parts = Self {
            name: event.name().to_owned(),
            level: level(event.level()).to_owned(),
            message: event.to_string(),
            version: None,
            expires_unix_ms: None,
            uti: None,
            error: None,
            attempt: None,
            next_attempt_in_ms: None,
            times: None,
            reason: None,
            connections: None,
        };
        match event {
            ProviderEvent::TokenRefreshed { version, expires_unix_ms, uti } => {
                parts.version = Some(number(*version));
                parts.expires_unix_ms = Some(number(*expires_unix_ms));
                parts.uti.clone_from(uti);
            }
            ProviderEvent::RefreshFailed { error, attempt, next_attempt_in, .. } => {
                parts.error = Some(error.clone().into());
                parts.attempt = Some(*attempt);
                parts.next_attempt_in_ms = Some(next_attempt_in.as_secs_f64() * 1000.0);
            }
            ProviderEvent::Reauthenticated { version } => parts.version = Some(number(*version)),
            ProviderEvent::ReauthenticationFailed { version, times, .. } => {
                (parts.version, parts.times) = (Some(number(*version)), Some(number(*times)));
            }
            ProviderEvent::Rejected { version, rejection, times } => {
                (parts.version, parts.times) = (Some(number(*version)), Some(number(*times)));
                parts.reason = Some(rejection.reason.name().to_owned());
            }
            ProviderEvent::ListenerStale { version, connections } => {
                parts.version = Some(number(*version));
                parts.connections = Some(number(*connections as u64));
            }
            ProviderEvent::ListenerFailed { times } => parts.times = Some(number(*times)),
            _ => (),
        }
        parts
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
    }
}

/// Calls `observer` with each event, one observer at a time: a second call replaces the first. Holds nothing alive.
#[napi(catch_unwind)]
pub fn observe(handle: &External<Handle>, observer: Function<'_, EventParts, ()>) -> Result<Option<Failure>> {
    let news = observer
        .build_threadsafe_function::<EventParts>()
        .weak::<true>()
        .callee_handled::<false>()
        .build()?;
    let observed = handle.provider.observe(Level::Debug, move |event| {
        news.call(event.into(), ThreadsafeFunctionCallMode::NonBlocking);
    });
    Ok(kept(observed, |observation| handle.observations().events.replace(observation)))
}

/// Ends what `observe` began.
#[napi(catch_unwind)]
pub fn unobserve(handle: &External<Handle>) {
    let observation = handle.observations().events.take();
    drop(observation); // after the lock is released, since this drops a function of the host
}

/// Calls `adopt` without arguments as soon as there is a newer token, which `adopt` then fetches. Holds nothing alive.
#[napi(catch_unwind)]
pub fn on_token(handle: &External<Handle>, adopt: Function<'_, (), ()>) -> Result<Option<Failure>> {
    let news = adopt.build_threadsafe_function::<()>().weak::<true>().callee_handled::<false>().build()?;
    let observed = handle.provider.observe(Level::Info, move |event| {
        if matches!(event, ProviderEvent::TokenRefreshed { .. }) {
            news.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    });
    Ok(kept(observed, |observation| handle.observations().tokens.replace(observation)))
}

/// Keeps an observation; the one that was there before is dropped with no lock held.
fn kept(
    observed: std::result::Result<Observation, Error>,
    keep: impl FnOnce(Observation) -> Option<Observation>,
) -> Option<Failure> {
    match observed {
        Ok(observation) => {
            let replaced = keep(observation);
            drop(replaced);
            None
        }
        Err(error) => Some(error.into()),
    }
}
