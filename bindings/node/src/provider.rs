//! The provider as JavaScript holds it.

use crate::convert::{Failure, TokenParts, number};
use crate::request::{Question, supplier};
use crate::waiting::{self, Answered};
use entrakey_core::{Config, DuringOutage, GetToken, Observation, Provider, Subscription};
use napi::Result;
use napi::bindgen_prelude::{Either, External, Function};
use napi_derive::napi;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use zeroize::Zeroizing;

/// A provider and what its JavaScript object subscribed to.
pub struct Handle {
    pub(crate) provider: Provider,
    /// Kept here, not in JavaScript: a subscription must not end because a host dropped what `subscribe`
    /// returned.
    subscriptions: Mutex<HashMap<u32, Subscription>>,
    observations: Mutex<Observations>,
}

/// What the JavaScript object observes.
#[derive(Default)]
pub(crate) struct Observations {
    pub(crate) tokens: Option<Observation>,
    pub(crate) events: Option<Observation>,
}

impl Handle {
    pub(crate) fn subscriptions(&self) -> MutexGuard<'_, HashMap<u32, Subscription>> {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn observations(&self) -> MutexGuard<'_, Observations> {
        self.observations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One configuration key and its value, as text.
#[napi(object, object_to_js = false)]
pub struct Entry {
    /// The key, as the core spells it.
    pub key: String,
    /// The value.
    pub value: String,
}

/// What is called with a request for a token or an assertion.
type Ask<'a> = Option<Function<'a, Question, ()>>;

/// A new provider.
#[napi(catch_unwind)]
pub fn open(
    entries: Vec<Entry>,
    ask_token: Ask<'_>,
    ask_assertion: Ask<'_>,
) -> Result<Either<External<Handle>, Failure>> {
    let mut config = Config::new();
    if let Some(ask) = &ask_token {
        config.on_token_request(supplier(ask)?);
    }
    if let Some(ask) = &ask_assertion {
        config.on_assertion_request(supplier(ask)?);
    }
    Ok(match provider(config, entries) {
        Ok(provider) => Either::A(External::new(Handle {
            provider,
            subscriptions: Mutex::default(),
            observations: Mutex::default(),
        })),
        Err(error) => Either::B(error.into()),
    })
}

fn provider(mut config: Config, entries: Vec<Entry>) -> std::result::Result<Provider, entrakey_core::Error> {
    for Entry { key, value } in entries {
        config.set(&key, &Zeroizing::new(value))?;
    }
    Provider::new(&config)
}

/// The token in memory, if it is usable.
#[napi(catch_unwind)]
pub fn usable(handle: &External<Handle>) -> Option<TokenParts> {
    handle.provider.with_usable(|token| TokenParts::from(token.as_ref()))
}

/// The version of the token in memory if it is valid, else 0.
#[napi(catch_unwind)]
pub fn valid_version(handle: &External<Handle>) -> f64 {
    handle.provider.current().map_or(0.0, |token| number(token.version()))
}

/// The token in memory, if it is valid.
#[napi(catch_unwind)]
pub fn valid(handle: &External<Handle>) -> Option<TokenParts> {
    handle.provider.current().map(|token| TokenParts::from(token.as_ref()))
}

/// The version of the token in memory.
#[napi(catch_unwind)]
pub fn version(handle: &External<Handle>) -> f64 {
    number(handle.provider.version())
}

/// Waits for a token and calls `answered` once with it or with the failure. Holds nothing alive: whether the event loop is
/// to wait for it is JavaScript's to say.
#[napi(catch_unwind)]
pub fn wait_for_token(
    handle: &External<Handle>,
    timeout_ms: Option<u32>,
    wait: bool,
    answered: Answered<'_>,
) -> Result<()> {
    let timeout = timeout_ms.map(|ms| Duration::from_millis(ms.into()));
    let during_outage = if wait { DuringOutage::Wait } else { DuringOutage::Report };
    waiting::start(&handle.provider, GetToken { timeout, during_outage }, &answered)
}

/// Closes the provider and ends its subscriptions.
#[napi(catch_unwind)]
pub fn close(handle: &External<Handle>) {
    handle.provider.close();
    let subscriptions = std::mem::take(&mut *handle.subscriptions());
    drop(subscriptions);
}

/// Asks for a new token soon.
#[napi(catch_unwind)]
pub fn refresh(handle: &External<Handle>) -> Option<Failure> {
    handle.provider.refresh().err().map(Failure::from)
}
