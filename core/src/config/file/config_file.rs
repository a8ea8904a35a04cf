//! A configuration file: its text, what it sets, and the errors about it.

use super::file_values::FileValues;
use crate::config::document::{Format, Node};
use crate::config::environment::Environment;
use crate::config::expand::expand;
use crate::config::find_key::find_key;
use crate::config::keys::{CONFIG_ENTRY, CONFIG_FILE};
use crate::error::{Error, Result};
use crate::files;
use std::path::Path;
use zeroize::Zeroizing;

/// A larger file is no configuration file.
pub(super) const MAX_BYTES: u64 = 1024 * 1024;

/// The file at hand and the variables that it may name.
pub(super) struct ConfigFile<'a> {
    pub(super) path: &'a str,
    pub(super) environment: &'a Environment,
}

impl ConfigFile<'_> {
    pub(super) fn refuse(&self, what: impl AsRef<str>) -> Error {
        Error::invalid_config(format!("Configuration file \"{}\": {}", self.path, what.as_ref()))
    }

    /// The document in it.
    pub(super) fn root(&self) -> Result<Node> {
        let format = Format::by_extension(Path::new(self.path)).ok_or_else(|| {
            self.refuse("its extension does not tell its format. Known are .json, .toml, .yaml and .yml.")
        })?;
        format.parse(&self.text()?).map_err(|reason| self.refuse(format!("{reason}.")))
    }

    fn text(&self) -> Result<Zeroizing<String>> {
        let bytes = files::read(Path::new(self.path), MAX_BYTES);
        let bytes = bytes.map_err(|error| self.refuse(format!("{error}.")))?;
        match std::str::from_utf8(&bytes) {
            Ok(text) if text.trim().is_empty() => Err(self.refuse("is empty.")),
            Ok(text) => Ok(Zeroizing::new(text.to_owned())),
            Err(_) => Err(self.refuse("is not UTF-8 text.")),
        }
    }

    /// Sets a key to what the file calls `label`.
    pub(super) fn set(&self, values: &mut FileValues, name: &str, value: &str, label: &str) -> Result<()> {
        let key = find_key(name).map_err(|error| self.refuse(error.message()))?;
        if [CONFIG_FILE, CONFIG_ENTRY].contains(&key.name) {
            return Err(self.refuse(format!(
                "{} cannot be set in a file: set it in code, or as {}.",
                key.name,
                key.variable()
            )));
        }
        key.check(value).map_err(|reason| self.refuse(format!("{label}: {reason}.")))?;
        values.set(key.name, value, format!("configuration file \"{}\": {label}", self.path));
        Ok(())
    }

    pub(super) fn expand(&self, label: &str, text: &str) -> Result<Zeroizing<String>> {
        expand(text, |name| self.environment.variable(name))
            .map_err(|error| self.refuse(format!("{label}: {error}")))
    }
}
