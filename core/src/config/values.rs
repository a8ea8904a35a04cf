//! Where a value comes from: code, then `ENTRAKEY_<KEY>`, then Azure's variable, then the file, then the default.

use super::environment::Environment;
use super::keys::{KEYS, Key, boolean, find};
use super::{Config, KeyType};
use crate::error::{Error, ErrorKind, Result};
use std::time::Duration;

/// What can set a key; the greater wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    File,
    /// Azure's own variable.
    Azures,
    /// `ENTRAKEY_<KEY>`.
    Ours,
    Code,
}

/// What makes an identity, out of what Azure has variables for.
const OF_AN_ENTRY: &[&str] = &[
    "tenant_id",
    "client_id",
    "client_secret",
    "certificate_path",
    "certificate_password",
    "federated_token_file",
];

/// Where values come from, in order.
pub(super) struct Values<'a> {
    pub(super) config: &'a Config,
    pub(super) environment: &'a Environment,
    /// What the configuration file says; empty without one.
    pub(super) file: &'a Config,
}

impl<'a> Values<'a> {
    fn look_up(&self, key: &'static Key, azure: bool) -> Result<Option<&'a str>> {
        if let Some(value) = self.config.get(key.name) {
            return Ok(Some(value)); // checked when it was set
        }
        let variable = key.variable();
        let azure = azure && !self.is_of_the_entry(key);
        let from_azure = || azure.then(|| self.environment.get(key.azure_variable)).flatten();
        let (name, value) = match (self.environment.get(&variable), from_azure()) {
            (Some(value), _) => (variable.as_str(), value),
            (None, Some(value)) => (key.azure_variable, value),
            (None, None) => {
                // What the file says was checked when it was read.
                let default = Some(key.default).filter(|default| !default.is_empty());
                return Ok(self.file.get(key.name).or(default));
            }
        };
        key.check(value).map_err(|reason| invalid(format!("Environment variable {name}: {reason}.")))?;
        Ok(Some(value))
    }

    /// Whether a secret store's entry decides on this key, set or not.
    fn is_of_the_entry(&self, key: &Key) -> bool {
        self.file.is_entry && OF_AN_ENTRY.contains(&key.name)
    }

    pub(super) fn text(&self, name: &'static str) -> Result<Option<&'a str>> {
        self.look_up(find(name)?, true)
    }

    pub(super) fn without_azure(&self, name: &'static str) -> Result<Option<&'a str>> {
        self.look_up(find(name)?, false)
    }

    /// What sets it; None if that is the default, or nothing.
    pub(super) fn source(&self, name: &'static str) -> Result<Option<Source>> {
        let key = find(name)?;
        let sources = [
            (self.config.get(name), Source::Code),
            (self.environment.get(&key.variable()), Source::Ours),
            (self.environment.get(key.azure_variable).filter(|_| !self.is_of_the_entry(key)), Source::Azures),
            (self.file.get(name), Source::File),
        ];
        Ok(sources.into_iter().find_map(|(value, source)| value.map(|_| source)))
    }

    /// False if nothing sets it.
    pub(super) fn is_on(&self, name: &'static str) -> Result<bool> {
        Ok(self.text(name)?.and_then(boolean).unwrap_or_default())
    }

    pub(super) fn required(&self, name: &'static str, why: &str) -> Result<&'a str> {
        self.text(name)?.ok_or_else(|| {
            let error = missing(name, why);
            invalid(format!("{}{}", error.message(), self.environment.note()))
        })
    }

    pub(super) fn millis(&self, name: &'static str) -> Result<Duration> {
        let value = self.required(name, "")?.parse::<u32>();
        value
            .map(|ms| Duration::from_millis(ms.into()))
            .map_err(|_| invalid(format!("{name} is not a number.")))
    }

    pub(super) fn fraction(&self, name: &'static str) -> Result<f64> {
        self.required(name, "")?.parse().map_err(|_| invalid(format!("{name} is not a number.")))
    }
}

pub(super) fn missing(name: &str, why: &str) -> Error {
    let Some(key) = KEYS.iter().find(|key| key.name == name) else {
        return invalid(format!("{name} is missing."));
    };
    let or_azure = match key.azure_variable {
        "" => String::new(),
        variable => format!(" or {variable}"),
    };
    let choices = match key.kind {
        KeyType::Choice(words) => format!(" It is one of {}.", words.join(", ")),
        _ => String::new(),
    };
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    let variable = key.variable();
    invalid(format!(
        "Configuration key \"{name}\" is missing{why}. Set it, or {variable}{or_azure}.{choices}"
    ))
}

pub(super) fn invalid(message: impl AsRef<str>) -> Error {
    Error::new(ErrorKind::InvalidConfig, message)
}
