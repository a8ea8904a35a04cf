//! What a configuration file sets.

use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The values of a configuration file, by key. Empty if there is no file.
#[derive(Clone, Default)]
pub(in crate::config) struct FileValues {
    values: BTreeMap<&'static str, FileValue>,
    /// From a secret store's entry: one identity as a whole, into which Azure's variables must not mix another.
    pub(in crate::config) is_entry: bool,
}

#[derive(Clone)]
struct FileValue {
    text: Zeroizing<String>,
    /// The file, and what the file calls it: for errors.
    origin: String,
}

impl FileValues {
    pub(in crate::config) fn set(&mut self, key: &'static str, value: &str, origin: String) {
        self.values.insert(key, FileValue { text: Zeroizing::new(value.to_owned()), origin });
    }

    /// A key's value and where it stands.
    pub(in crate::config) fn get(&self, key: &str) -> Option<(&str, &str)> {
        self.values.get(key).map(|value| (value.text.as_str(), value.origin.as_str()))
    }
}

#[cfg(test)]
impl FileValues {
    pub(super) fn pairs(&self) -> Vec<(&str, &str)> {
        self.values.iter().map(|(key, value)| (*key, value.text.as_str())).collect()
    }
}
