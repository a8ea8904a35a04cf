//! Whose value counts: code's, then that of `ENTRAKEY_<KEY>`, then that of Azure's variable, then the file's, then the
//! default.

use super::config::Config;
use super::environment::Environment;
use super::file::FileValues;
use super::find_key::find_key;
use super::key_type::{KeyType, boolean};
use super::keys::Key;
use super::value::{Origin, Value};
use crate::error::{Error, Result};
use std::str::FromStr;
use std::time::Duration;

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
    pub(super) file: &'a FileValues,
}

impl<'a> Values<'a> {
    /// The value of a key, and what set it. None if nothing does and there is no default.
    pub(super) fn value(&self, name: &'static str) -> Result<Option<Value<'a>>> {
        self.look_up(find_key(name)?, true)
    }

    /// Without Azure's variable, which is for somebody else.
    pub(super) fn value_without_azure(&self, name: &'static str) -> Result<Option<Value<'a>>> {
        self.look_up(find_key(name)?, false)
    }

    /// What a variable says that is none of the key's own.
    pub(super) fn value_of_variable(
        &self,
        name: &'static str,
        variable: &'static str,
    ) -> Result<Option<Value<'a>>> {
        let (key, foreign_variable) = (find_key(name)?, Some(variable));
        let value = |text| Value { text, key, origin: Origin::AzureVariable, foreign_variable, place: "" };
        Ok(self.environment.text(variable)?.map(value))
    }

    fn look_up(&self, key: &'static Key, azure: bool) -> Result<Option<Value<'a>>> {
        let value = |text, origin| Value { text, key, origin, foreign_variable: None, place: "" };
        if let Some(text) = self.config.get(key.name) {
            let value = Value { place: self.config.origin(), ..value(text, Origin::Code) };
            return Ok(Some(value)); // checked when it was set
        }
        let azure = azure && !self.is_of_the_entry(key);
        let ours = self.environment.text(&key.variable())?.map(|text| value(text, Origin::OurVariable));
        let azures = match azure && ours.is_none() {
            true => self.environment.text(key.azure_variable)?.map(|text| value(text, Origin::AzureVariable)),
            false => None,
        };
        if let Some(value) = ours.or(azures) {
            key.check(value.text)
                .map_err(|reason| Error::invalid_config(format!("{}: {reason}.", value.label())))?;
            return Ok(Some(value));
        }
        // What the file says was checked when it was read.
        let in_file = self.file.get(key.name).or_else(|| self.config.in_file(key.name));
        let in_file = in_file.map(|(text, place)| Value { place, ..value(text, Origin::File) });
        let default = Some(key.default).filter(|default| !default.is_empty());
        Ok(in_file.or_else(|| default.map(|text| value(text, Origin::Default))))
    }

    /// Azure's variables that are set and that a secret store's entry keeps out.
    pub(super) fn variables_kept_out(&self) -> Vec<&'static str> {
        let of_entry = OF_AN_ENTRY.iter().filter(|_| self.file.is_entry);
        let variables = of_entry.filter_map(|name| find_key(name).ok()).map(|key| key.azure_variable);
        variables.filter(|name| self.environment.get(name).is_some()).collect()
    }

    /// Whether a secret store's entry decides on this key, set or not.
    fn is_of_the_entry(&self, key: &Key) -> bool {
        self.file.is_entry && OF_AN_ENTRY.contains(&key.name)
    }

    pub(super) fn text(&self, name: &'static str) -> Result<Option<&'a str>> {
        Ok(self.value(name)?.map(|value| value.text))
    }

    /// The key with what set it, for an error about its value.
    pub(super) fn label(&self, name: &'static str) -> Result<String> {
        Ok(self.value(name)?.map_or_else(|| name.to_owned(), |value| value.label()))
    }

    /// The key with its value and what set it.
    pub(super) fn label_with_text(&self, name: &'static str) -> Result<String> {
        Ok(self.value(name)?.map_or_else(|| name.to_owned(), |value| value.label_with_text()))
    }

    /// False if nothing sets it.
    pub(super) fn flag(&self, name: &'static str) -> Result<bool> {
        Ok(self.text(name)?.and_then(boolean).unwrap_or_default())
    }

    /// A value without which there is no going on; `why` says so in the error about a missing one.
    pub(super) fn required(&self, name: &'static str, why: &str) -> Result<Value<'a>> {
        self.value(name)?.ok_or_else(|| self.missing(name, why))
    }

    /// The error that nothing sets a key, and what would.
    pub(super) fn missing(&self, name: &'static str, why: &str) -> Error {
        let Ok(key) = find_key(name) else {
            return Error::invalid_config(format!("{name} is missing."));
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
        let (variable, note) = (key.variable(), self.environment.note());
        Error::invalid_config(format!(
            "Configuration key \"{name}\" is missing{why}. Set it, or {variable}{or_azure}.{choices}{note}"
        ))
    }

    pub(super) fn millis(&self, name: &'static str) -> Result<Duration> {
        self.number(name).map(|ms: u32| Duration::from_millis(ms.into()))
    }

    pub(super) fn fraction(&self, name: &'static str) -> Result<f64> {
        self.number(name)
    }

    fn number<T: FromStr>(&self, name: &'static str) -> Result<T> {
        let value = self.required(name, "")?;
        let not_a_number = |_| Error::invalid_config(format!("{} is not a number.", value.label()));
        value.text.parse().map_err(not_a_number)
    }
}
