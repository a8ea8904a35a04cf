//! Where a value comes from: code, then `ENTRAKEY_<KEY>`, then Azure's variable, then the file, then the default.

use super::environment::Environment;
use super::keys::{Key, boolean, find, is_quoted};
use super::{Config, KeyType};
use crate::error::{Error, ErrorKind, Result};
use std::fmt;
use std::str::FromStr;
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

/// A longer value is not shown.
const MAX_SHOWN: usize = 200;

/// What makes an identity, out of what Azure has variables for.
const OF_AN_ENTRY: &[&str] = &[
    "tenant_id",
    "client_id",
    "client_secret",
    "certificate_path",
    "certificate_password",
    "federated_token_file",
];

/// A value, and what set it.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) text: &'a str,
    key: &'static Key,
    /// The variable that holds it, if that is none of the key's own.
    of_task: Option<&'static str>,
    /// None: it is the default.
    pub(super) source: Option<Source>,
    /// What the configuration file calls it.
    in_file: &'a str,
}

impl Given<'_> {
    /// The variable that holds it, if one does.
    fn variable(&self) -> Option<String> {
        match self.source? {
            _ if self.of_task.is_some() => self.of_task.map(str::to_owned),
            Source::Ours => Some(self.key.variable()),
            Source::Azures => Some(self.key.azure_variable.to_owned()),
            Source::Code | Source::File => None,
        }
    }

    /// As an error names it: the key, and where the value came from.
    pub(super) fn named(&self) -> String {
        format!("{} ({self})", self.key.name)
    }

    /// The same with the value itself, if it looks like an id, a number, a name or a path: a secret under the wrong key
    /// does not.
    pub(super) fn shown(&self) -> String {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
        match self.key.kind.is_secret() || self.text.len() > MAX_SHOWN || !self.text.chars().all(fits) {
            true => self.named(),
            false => format!("{} {} ({self})", self.key.name, self.text),
        }
    }
}

/// Where it came from.
impl fmt::Display for Given<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.variable(), self.source) {
            (Some(variable), _) => write!(f, "environment variable {variable}")?,
            (None, Some(Source::File)) => f.write_str(self.in_file)?,
            (None, Some(_)) => f.write_str("set in code")?,
            (None, None) => f.write_str("the default")?,
        }
        // Of anything else quotes are refused.
        f.write_str(if self.key.kind.is_secret() { quotes(self.text) } else { "" })?;
        f.write_str(if is_template(self.text) { ", a template's text that nothing was put into" } else { "" })
    }
}

/// Where values come from, in order.
pub(super) struct Values<'a> {
    pub(super) config: &'a Config,
    pub(super) environment: &'a Environment,
    /// What the configuration file says; empty without one.
    pub(super) file: &'a Config,
}

impl<'a> Values<'a> {
    fn look_up(&self, key: &'static Key, azure: bool) -> Result<Option<Given<'a>>> {
        let in_file = self.file.origin(key.name);
        let given = |text, source| Given { text, key, of_task: None, source, in_file };
        if let Some(text) = self.config.get(key.name) {
            return Ok(Some(given(text, Some(Source::Code)))); // checked when it was set
        }
        let azure = azure && !self.is_of_the_entry(key);
        let ours = self.environment.text(&key.variable())?.map(|text| given(text, Some(Source::Ours)));
        let azures = match azure && ours.is_none() {
            true => self.environment.text(key.azure_variable)?.map(|text| given(text, Some(Source::Azures))),
            false => None,
        };
        if let Some(given) = ours.or(azures) {
            key.check(given.text).map_err(|reason| invalid(format!("{}: {reason}.", given.named())))?;
            return Ok(Some(given));
        }
        // What the file says was checked when it was read.
        let in_file = self.file.get(key.name).map(|text| given(text, Some(Source::File)));
        let default = Some(key.default).filter(|default| !default.is_empty()).map(|text| given(text, None));
        Ok(in_file.or(default))
    }

    /// Azure's variables that are set and that a secret store's entry keeps out.
    pub(super) fn kept_out(&self) -> Vec<&'static str> {
        let of_entry = OF_AN_ENTRY.iter().filter(|_| self.file.is_entry);
        let variables = of_entry.filter_map(|name| find(name).ok()).map(|key| key.azure_variable);
        variables.filter(|name| self.environment.get(name).is_some()).collect()
    }

    /// Whether a secret store's entry decides on this key, set or not.
    fn is_of_the_entry(&self, key: &Key) -> bool {
        self.file.is_entry && OF_AN_ENTRY.contains(&key.name)
    }

    pub(super) fn given(&self, name: &'static str) -> Result<Option<Given<'a>>> {
        self.look_up(find(name)?, true)
    }

    /// Without Azure's variable, which is for somebody else.
    pub(super) fn without_azure(&self, name: &'static str) -> Result<Option<Given<'a>>> {
        self.look_up(find(name)?, false)
    }

    /// What a variable says that is none of the key's own.
    pub(super) fn of_variable(
        &self,
        name: &'static str,
        variable: &'static str,
    ) -> Result<Option<Given<'a>>> {
        let (key, source) = (find(name)?, Some(Source::Azures));
        let given = |text| Given { text, key, of_task: Some(variable), source, in_file: "" };
        Ok(self.environment.text(variable)?.map(given))
    }

    pub(super) fn text(&self, name: &'static str) -> Result<Option<&'a str>> {
        Ok(self.given(name)?.map(|given| given.text))
    }

    /// What set it; None if that is the default, or nothing.
    pub(super) fn source(&self, name: &'static str) -> Result<Option<Source>> {
        Ok(self.given(name)?.and_then(|given| given.source))
    }

    /// The key with what set it, for an error about its value.
    pub(super) fn named(&self, name: &'static str) -> Result<String> {
        Ok(self.given(name)?.map_or_else(|| name.to_owned(), |given| given.named()))
    }

    /// The same with the value.
    pub(super) fn shown(&self, name: &'static str) -> Result<String> {
        Ok(self.given(name)?.map_or_else(|| name.to_owned(), |given| given.shown()))
    }

    /// False if nothing sets it.
    pub(super) fn is_on(&self, name: &'static str) -> Result<bool> {
        Ok(self.text(name)?.and_then(boolean).unwrap_or_default())
    }

    pub(super) fn required(&self, name: &'static str, why: &str) -> Result<&'a str> {
        Ok(self.needed(name, why)?.text)
    }

    pub(super) fn needed(&self, name: &'static str, why: &str) -> Result<Given<'a>> {
        self.given(name)?.ok_or_else(|| self.missing(name, why))
    }

    /// Says that nothing sets it, and what would.
    pub(super) fn missing(&self, name: &'static str, why: &str) -> Error {
        let Ok(key) = find(name) else {
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
        let (variable, note) = (key.variable(), self.environment.note());
        invalid(format!(
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
        let given = self.needed(name, "")?;
        given.text.parse().map_err(|_| invalid(format!("{} is not a number.", given.named())))
    }
}

/// `$(System.AccessToken)`, `${CLIENT_ID}`, `{{ .Values.clientId }}`, `<client id>`: as pipelines, shells, charts and
/// readmes have them.
fn is_template(text: &str) -> bool {
    let pairs = [("$(", ")"), ("${", "}"), ("{{", "}}"), ("<", ">"), ("#{", "}#")];
    pairs.iter().any(|(open, close)| text.starts_with(open) && text.ends_with(close))
}

/// For the place of a value that may have quotes around it, and most likely does not mean them.
pub(super) fn quotes(text: &str) -> &'static str {
    if is_quoted(text) { ", with quotes that are a part of the value" } else { "" }
}

pub(super) fn invalid(message: impl AsRef<str>) -> Error {
    Error::new(ErrorKind::InvalidConfig, message)
}
