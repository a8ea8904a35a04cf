//! Configuration: plain values by key, the same keys in every language.
//!
//! A [`Config`] holds what code set. [`Settings`] are what a provider runs with: the same, completed from
//! the environment, a file and the defaults, typed and validated.

mod asked;
mod choice;
mod document;
mod endpoint;
mod environment;
mod expand;
mod file;
mod hints;
mod inherited;
mod json;
mod keys;
mod managed_identity;
#[cfg(test)]
mod origins;
mod proof;
mod proxy;
#[cfg(test)]
mod resolving;
mod service_file;
mod settings;
mod store;
mod values;

pub(crate) use asked::Asked;
pub(crate) use choice::{IdentityChoice, Link, WORKLOAD_IDENTITY, WhyNot};
pub use inherited::{InheritedSetting, InheritedSettings, inherit};
pub use keys::{KEYS, Key, KeyType};
pub(crate) use managed_identity::{Host, Thumbprint, UserAssigned, thumbprint};
pub(crate) use proof::{Application, CertificateFrom, PipelineJob, Place, Proof};
pub(crate) use proxy::Way;
pub use service_file::{FileValue, read_service_file};
pub(crate) use settings::{CaFile, Settings};

pub(crate) use environment::{Environment, TrustPaths};

use crate::error::{Error, ErrorKind, Result};
use crate::request::{CredentialRequest, HostFunction};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What code has set, by key. Values from the environment are added when a provider is made.
#[derive(Clone, Default)]
pub struct Config {
    values: BTreeMap<&'static str, Zeroizing<String>>,
    /// Where the values of a configuration file are in it, for errors.
    origins: BTreeMap<&'static str, String>,
    /// From a secret store's entry: one identity as a whole, into which Azure's variables must not mix another.
    is_entry: bool,
    callbacks: Callbacks,
}

/// What code supplies that is not a value.
#[derive(Clone, Default)]
struct Callbacks {
    token: Option<HostFunction>,
    assertion: Option<HostFunction>,
}

impl Config {
    /// An empty configuration.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one key; a later call for the same key wins. Numbers and booleans are written as text.
    ///
    /// # Errors
    /// `INVALID_CONFIG` for an unknown key (with the nearest known one) or a value of the wrong type.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let key = keys::find(key)?;
        key.check(value).map_err(|reason| {
            Error::new(ErrorKind::InvalidConfig, format!("Configuration key \"{}\": {reason}.", key.name))
        })?;
        self.values.insert(key.name, Zeroizing::new(value.to_owned()));
        Ok(())
    }

    /// Tokens come from `callback` (`identity` need not be set then). It is called on a thread of the library's,
    /// one call at a time, and answers the request there or later from any thread. It may block. A call of this
    /// provider's `get_token` in it is an error: it would wait for itself.
    pub fn on_token_request<F>(&mut self, callback: F)
    where
        F: Fn(CredentialRequest) + Send + Sync + 'static,
    {
        self.callbacks.token = Some(Arc::new(callback));
    }

    /// The application signs in with the assertions that `callback` gives (`identity` need not be set then, but
    /// `tenant_id` and `client_id`). Called as [`Config::on_token_request`]'s, before each request to Entra.
    pub fn on_assertion_request<F>(&mut self, callback: F)
    where
        F: Fn(CredentialRequest) + Send + Sync + 'static,
    {
        self.callbacks.assertion = Some(Arc::new(callback));
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|value| value.as_str())
    }

    fn origin(&self, key: &str) -> &str {
        self.origins.get(key).map_or("", String::as_str)
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (key, value) in &self.values {
            let secret = keys::find(key).is_ok_and(|key| key.kind.is_secret());
            map.entry(key, &if secret { "[set]" } else { value.as_str() });
        }
        map.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_one() {
        let error = Config::new().set("clientid", "x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.message().contains("\"client_id\""), "{error}");
    }

    #[test]
    fn a_value_of_the_wrong_type_is_refused_without_repeating_it() {
        let error = Config::new().set("request_timeout_ms", "soon").unwrap_err();
        assert!(error.message().contains("request_timeout_ms"), "{error}");
        assert!(
            !error.message().contains("soon"),
            "a value may be a secret put under the wrong key: {error}"
        );
    }

    #[test]
    fn a_secret_is_not_in_the_debug_output() {
        let mut config = Config::new();
        config.set("client_secret", "hunter2-very-secret").unwrap();
        config.set("client_id", "app").unwrap();
        let shown = format!("{config:?}");
        assert!(!shown.contains("hunter2") && shown.contains("app"), "{shown}");
    }
}
