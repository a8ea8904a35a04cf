//! What code has set.

use super::file::FileValues;
use super::find_key::find_key;
use super::keys::Key;
use crate::error::{Error, Result};
use crate::request::{CredentialRequest, HostFunction};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What code has set, by key. Values from the environment are added when a provider is made.
#[derive(Clone, Default)]
pub struct Config {
    values: BTreeMap<&'static str, Zeroizing<String>>,
    in_file: FileValues,
    origin: Option<&'static str>,
    token_callback: Option<HostFunction>,
    assertion_callback: Option<HostFunction>,
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
        let key = fitting(key, value)?;
        self.values.insert(key.name, Zeroizing::new(value.to_owned()));
        Ok(())
    }

    /// Sets one key as a configuration file does: what is set in code, and a variable that the identity reads, win over it.
    /// For a service whose own file has keys. `place` is what errors and reports call the file and the place in it.
    ///
    /// # Errors
    /// As [`Config::set`].
    pub fn set_in_file(&mut self, key: &str, value: &str, place: &str) -> Result<()> {
        let key = fitting(key, value)?;
        self.in_file.set(key.name, value, place.to_owned());
        Ok(())
    }

    /// What errors and reports call the origin of what is set here, in place of `set in code`: for a program whose user has
    /// not written the code.
    #[must_use]
    pub fn called(self, origin: &'static str) -> Self {
        Self { origin: Some(origin), ..self }
    }

    /// Tokens come from `callback`; `identity` need not be set then. The library calls the callback on a thread of its
    /// own, one call at a time. The callback may block, and may answer the request there or later from any thread. It
    /// must not call `get_token` of the same provider, which would wait for itself: that call returns an error.
    pub fn on_token_request<F>(&mut self, callback: F)
    where
        F: Fn(CredentialRequest) + Send + Sync + 'static,
    {
        self.token_callback = Some(Arc::new(callback));
    }

    /// The application signs in with the assertions that `callback` gives. `tenant_id` and `client_id` have to be set,
    /// `identity` need not be. The callback is called before each request to Entra, by the rules of
    /// [`Config::on_token_request`].
    pub fn on_assertion_request<F>(&mut self, callback: F)
    where
        F: Fn(CredentialRequest) + Send + Sync + 'static,
    {
        self.assertion_callback = Some(Arc::new(callback));
    }

    pub(super) fn origin(&self) -> &'static str {
        self.origin.unwrap_or("set in code")
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|value| value.as_str())
    }

    /// What a service's own file says of a key, and where.
    pub(super) fn in_file(&self, key: &str) -> Option<(&str, &str)> {
        self.in_file.get(key)
    }

    /// Takes over what another configuration has set.
    pub(super) fn extend(&mut self, other: Self) {
        self.values.extend(other.values);
    }

    pub(super) fn token_callback(&self) -> Option<&HostFunction> {
        self.token_callback.as_ref()
    }

    pub(super) fn assertion_callback(&self) -> Option<&HostFunction> {
        self.assertion_callback.as_ref()
    }
}

/// The key of that name, if the value may be its.
fn fitting(key: &str, value: &str) -> Result<&'static Key> {
    let key = find_key(key)?;
    key.check(value)
        .map_err(|reason| Error::invalid_config(format!("Configuration key \"{}\": {reason}.", key.name)))?;
    Ok(key)
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (key, value) in &self.values {
            let secret = find_key(key).is_ok_and(|key| key.kind.is_secret());
            map.entry(key, &if secret { "[set]" } else { value.as_str() });
        }
        map.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

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
