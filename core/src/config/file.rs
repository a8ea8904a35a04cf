//! A file of configuration keys, read when a provider is made and never again.
//!
//! Either a flat map of keys, at the top or under `entrakey` in a file that others share, or a document of a
//! secret store ([`store`]).

use super::Config;
use super::document::{Format, Node};
use super::environment::Environment;
use super::expand::{Fault, expand, only_name};
use super::keys::{self, CONFIG_ENTRY, CONFIG_FILE, KeyType, shown_key};
use super::store;
use super::values::invalid;
use crate::error::{Error, Result};
use crate::files;
use std::collections::BTreeMap;
use std::path::Path;
use zeroize::Zeroizing;

/// More is another file.
const MAX_BYTES: u64 = 1024 * 1024;

/// Where the keys are in a file that also holds other things.
const SECTION: &str = "entrakey";

/// What the file at that path says, of a secret store the entry with that id.
pub(super) fn read(path: &str, entry: Option<&str>, environment: &Environment) -> Result<Config> {
    let file = File { path, environment };
    file.values(&file.root()?, entry)
}

/// The file at hand, for its messages, and the variables that it may name.
pub(super) struct File<'a> {
    pub(super) path: &'a str,
    pub(super) environment: &'a Environment,
}

impl File<'_> {
    pub(super) fn refuse(&self, what: impl AsRef<str>) -> Error {
        invalid(format!("Configuration file \"{}\": {}", self.path, what.as_ref()))
    }

    /// What is in it.
    pub(super) fn root(&self) -> Result<Node> {
        let format = Format::of(Path::new(self.path)).ok_or_else(|| {
            self.refuse("its extension does not tell its format. Known are .json, .toml, .yaml and .yml.")
        })?;
        format.parse(&self.text()?).map_err(|fault| self.refuse(format!("{fault}.")))
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

    fn values(&self, root: &Node, entry: Option<&str>) -> Result<Config> {
        match (root.get(SECTION), root) {
            (Some(_), _) if entry.is_some() => Err(self.refuse(format!(
                "{CONFIG_ENTRY} is set, but this file holds keys under \"{SECTION}\". Use the one or the other."
            ))),
            (Some(Node::Map(keys)), _) => self.keys(keys),
            (Some(_), _) => Err(self.refuse(format!("\"{SECTION}\" must be a table of configuration keys."))),
            (None, Node::Map(keys)) if entry.is_none() && !store::is_one(root) => self.keys(keys),
            (None, _) => {
                let picked = store::pick(self, root, entry)?;
                Ok(Config { is_entry: true, ..picked })
            }
        }
    }

    fn keys(&self, keys: &BTreeMap<String, Node>) -> Result<Config> {
        let mut config = Config::new();
        for (name, node) in keys {
            let value =
                plain(name, node).map_err(|reason| self.refuse(format!("{} {reason}", shown_key(name))))?;
            let expanded = self.expand(&shown_key(name), &value)?;
            let variable = only_name(&value).map_or_else(String::new, |name| format!(" ({name})"));
            self.set(&mut config, name, &expanded, &format!("{name}{variable}"))?;
        }
        Ok(config)
    }

    /// Sets a key to what the file calls `label`.
    pub(super) fn set(&self, config: &mut Config, name: &str, value: &str, label: &str) -> Result<()> {
        let key = keys::find(name).map_err(|error| self.refuse(error.message()))?;
        if [CONFIG_FILE, CONFIG_ENTRY].contains(&key.name) {
            return Err(self.refuse(format!(
                "{} cannot be set in a file: set it in code, or as {}.",
                key.name,
                key.variable()
            )));
        }
        key.check(value).map_err(|reason| self.refuse(format!("{label}: {reason}.")))?;
        config.values.insert(key.name, Zeroizing::new(value.to_owned()));
        config.origins.insert(key.name, format!("configuration file \"{}\": {label}", self.path));
        Ok(())
    }

    pub(super) fn expand(&self, label: &str, text: &str) -> Result<Zeroizing<String>> {
        expand(text, |name| self.environment.named(name))
            .map_err(|fault| self.refuse(format!("{label}: {}", expansion_fault(&fault))))
    }
}

/// The value of a key as it would be written in code; else what is wrong with it, after its name.
pub(super) fn plain(name: &str, node: &Node) -> std::result::Result<Zeroizing<String>, String> {
    let is_text = |key: &keys::Key| matches!(key.kind, KeyType::Text) || key.kind.is_secret();
    match node {
        Node::Text(text) => Ok(text.clone()),
        Node::Float(_) if keys::find(name).is_ok_and(is_text) => {
            Err("is a text that looks like a number: quote it.".to_owned())
        }
        Node::Float(number) => Ok(Zeroizing::new(number.to_string())),
        Node::Nothing => Err("has no value: give it one, or leave it out.".to_owned()),
        Node::List(_) | Node::Map(_) => Err(format!(
            "is a table or a list. The keys are flat; in a file with other contents they are under \"{SECTION}\"."
        )),
    }
}

/// Why a text with variables in it says nothing.
pub(super) fn expansion_fault(fault: &Fault) -> String {
    match fault {
        Fault::Unset(name) => {
            format!("the environment variable {name} is not set. (For a literal \"${{\" write \"$${{\".)")
        }
        Fault::TooLong => "the value with its variables in it is longer than any value can be.".to_owned(),
        Fault::NotAName => {
            "\"${\" must be followed by the name of an environment variable and \"}\". (For a literal \
                            \"${\" write \"$${\".)"
                .to_owned()
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A file that is there as long as this.
    pub(crate) struct Written(PathBuf);

    impl Written {
        pub(crate) fn new(name: &str, text: impl AsRef<[u8]>) -> Self {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("entrakey-{}-{number}-{name}", std::process::id()));
            std::fs::write(&path, text).unwrap();
            Self(path)
        }

        pub(crate) fn path(&self) -> &str {
            self.0.to_str().unwrap()
        }
    }

    impl Drop for Written {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    pub(crate) fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::of(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    fn load(name: &str, text: &str, variables: &[(&str, &str)]) -> Result<Config> {
        read(Written::new(name, text).path(), None, &environment(variables))
    }

    fn refusal(name: &str, text: impl AsRef<[u8]>) -> String {
        let written = Written::new(name, text);
        let error = read(written.path(), None, &environment(&[("BLANK", " "), ("SECRET", "hunter2\n")]));
        let error = error.expect_err("accepted");
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.message().contains(written.path()), "{error}");
        let said = error.message().replace(written.path(), "");
        assert!(!said.contains("hunter2"), "{said}");
        said
    }

    fn pairs(config: &Config) -> Vec<(&str, &str)> {
        config.values.iter().map(|(key, value)| (*key, value.as_str())).collect()
    }

    #[test]
    fn every_format_gives_the_same_values() {
        let meant = [("client_id", "app"), ("refresh_ratio", "0.5"), ("retry_max_ms", "40000")];
        for (name, text) in [
            ("a.json", r#"{"client_id": "app", "refresh_ratio": 0.5, "retry_max_ms": 40000}"#),
            ("a.toml", "client_id = 'app'\nrefresh_ratio = 0.5\nretry_max_ms = 40_000\n"),
            ("a.yaml", "client_id: app\nrefresh_ratio: 0.5\nretry_max_ms: 40000\n"),
            (
                "a.yml",
                "entrakey:\n  client_id: app\n  refresh_ratio: '0.5'\n  retry_max_ms: 40000\nport: 1\n",
            ),
            (
                "b.toml",
                "port = 1\n[entrakey]\nclient_id = 'app'\nrefresh_ratio = 0.5\nretry_max_ms = 40000\n",
            ),
        ] {
            assert_eq!(pairs(&load(name, text, &[]).unwrap()), meant, "{name}");
        }
    }

    #[test]
    fn variables_expand_in_values_and_only_where_keys_are() {
        let text = "other: ${NOT_SET}\nentrakey:\n  client_id: ${APP}-$1\n  refresh_ratio: ${RATIO}\n  name: $${APP}\n";
        let config = load("a.yaml", text, &[("APP", "app"), ("RATIO", "0.25")]).unwrap();
        assert_eq!(pairs(&config), [("client_id", "app-$1"), ("name", "${APP}"), ("refresh_ratio", "0.25")]);
    }

    #[test]
    fn what_is_wrong_is_named_with_the_file_and_without_values() {
        for (name, text, needles) in [
            ("a.ini", "client_id=hunter2", &[".toml", ".yaml"][..]),
            ("a.json", "{\"clientid\": \"hunter2\"}", &["clientid", "\"client_id\""]),
            ("a.yaml", "redis:\n  password: hunter2\n", &["\"redis\"", "entrakey"]),
            ("a.yaml", "client_secret: [hunter2]\n", &["client_secret", "flat"]),
            ("a.yaml", "client_secret:\n", &["client_secret", "no value"]),
            ("a.yaml", "request_timeout_ms: hunter2\n", &["request_timeout_ms", "milliseconds"]),
            ("a.yaml", "client_secret: \"\"\n", &["client_secret", "blank"]),
            ("a.yaml", "client_secret: ${BLANK}\n", &["client_secret", "blank"]),
            ("a.yaml", "client_secret: ${SECRET}\n", &["client_secret", "control"]),
            ("a.yaml", "client_secret: hunter2${NOPE}\n", &["client_secret", "NOPE", "not set", "$${"]),
            ("a.yaml", "client_secret: hunter2${-hunter2}\n", &["client_secret", "$${"]),
            ("a.json", "{\"client_secret\": 12345678901234567890123}", &["client_secret", "quote"]),
            ("a.toml", "config_file = 'b.toml'", &["config_file", "ENTRAKEY_CONFIG_FILE"]),
            ("a.toml", "config_entry = 'b'", &["config_entry", "ENTRAKEY_CONFIG_ENTRY"]),
            ("a.toml", "entrakey = 'hunter2'", &["entrakey", "table"]),
            ("a.yaml", "- hunter2\n", &["AzureEntraIdAuth"]),
            ("a.yaml", "hunter2", &["AzureEntraIdAuth"]),
            ("a.yaml", " \n", &["empty"]),
            ("a.json", "{\"client_id\": \"hunter2\",}", &["line 1", "JSON"]),
        ] {
            let said = refusal(name, text);
            assert!(needles.iter().all(|needle| said.contains(needle)), "{text}: {said}");
        }
        assert!(refusal("a.json", b"{\"client_id\": \"\xff\"}").contains("UTF-8"));
    }

    #[test]
    fn only_a_regular_file_of_a_sensible_size_is_read() {
        let large = format!("client_id: app\n#{}", "x".repeat(MAX_BYTES as usize));
        assert!(refusal("a.yaml", large).contains("larger"));
        let refused = |path: &str| read(path, None, &environment(&[])).unwrap_err().to_string();
        let directory = std::env::temp_dir().join(format!("entrakey-{}.yaml", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        assert!(refused(directory.to_str().unwrap()).contains("regular"));
        std::fs::remove_dir(&directory).unwrap();
        assert!(refused("/nowhere/at/all.yaml").contains("cannot be read"));
    }
}
