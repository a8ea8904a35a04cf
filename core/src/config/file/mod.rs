//! A file of configuration keys, read when a provider is made and never again.
//!
//! Either a flat map of keys, at the top or under `entrakey` in a file that others share, or a document of a
//! secret store ([`store_entry`]).

mod config_file;
mod file_values;
mod service_file;
mod store_entry;

pub(super) use file_values::FileValues;
pub use service_file::{ServiceValue, read_service_file, read_service_settings};
pub use store_entry::StoreEntry;

use super::document::Node;
use super::environment::Environment;
use super::expand::only_name;
use super::find_key::key_for_message;
use super::key_value::{SECTION, key_value};
use super::keys::CONFIG_ENTRY;
use crate::error::Result;
use config_file::ConfigFile;
use std::collections::BTreeMap;

/// What the file at that path says, of a secret store the entry with that id.
pub(super) fn read(path: &str, entry: Option<&str>, environment: &Environment) -> Result<FileValues> {
    let file = ConfigFile { path, environment };
    values(&file, &file.root()?, entry)
}

/// The entries of type `AzureEntraIdAuth` in a secret store's file, in its order. The keys `config_file` and `config_entry`
/// then take one of them. What they say is not looked at.
///
/// # Errors
/// `INVALID_CONFIG`: the file cannot be read or parsed, has no such entry, or has one without an id or with another's.
pub fn read_store_entries(path: &str) -> Result<Vec<StoreEntry>> {
    read_entries(path, &Environment::read())
}

fn read_entries(path: &str, environment: &Environment) -> Result<Vec<StoreEntry>> {
    let file = ConfigFile { path, environment };
    store_entry::ids(&file, &file.root()?)
}

/// What the document says: by keys, or by an entry of a secret store.
fn values(file: &ConfigFile<'_>, root: &Node, entry: Option<&str>) -> Result<FileValues> {
    match (root.get(SECTION), root) {
        (Some(_), _) if entry.is_some() => Err(file.refuse(format!(
            "{CONFIG_ENTRY} is set, but this file holds keys under \"{SECTION}\". Use the one or the other."
        ))),
        (Some(Node::Map(keys)), _) => values_of_keys(file, keys),
        (Some(_), _) => Err(file.refuse(format!("\"{SECTION}\" must be a table of configuration keys."))),
        (None, Node::Map(keys)) if entry.is_none() && !store_entry::is_in(root) => values_of_keys(file, keys),
        (None, _) => {
            let mut values = store_entry::pick(file, root, entry)?;
            values.is_entry = true;
            Ok(values)
        }
    }
}

fn values_of_keys(file: &ConfigFile<'_>, keys: &BTreeMap<String, Node>) -> Result<FileValues> {
    let mut values = FileValues::default();
    for (name, node) in keys {
        let value = key_value(name, node)
            .map_err(|reason| file.refuse(format!("key {} {reason}", key_for_message(name))))?;
        let expanded = file.expand(&key_for_message(name), &value)?;
        let variable = only_name(&value).map_or_else(String::new, |name| format!(" ({name})"));
        file.set(&mut values, name, &expanded, &format!("{name}{variable}"))?;
    }
    Ok(values)
}

#[cfg(test)]
pub(super) mod tests {
    use super::config_file::MAX_BYTES;
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

    fn load(name: &str, text: &str, variables: &[(&str, &str)]) -> Result<FileValues> {
        read(Written::new(name, text).path(), None, &environment(variables))
    }

    fn refusal(name: &str, text: impl AsRef<[u8]>) -> String {
        let written = Written::new(name, text);
        let error = read(written.path(), None, &environment(&[("BLANK", " "), ("SECRET", "hunter2\n")]));
        let error = error.err().expect("accepted");
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.message().contains(written.path()), "{error}");
        let message = error.message().replace(written.path(), "");
        assert!(!message.contains("hunter2"), "{message}");
        message
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
            assert_eq!(load(name, text, &[]).unwrap().pairs(), meant, "{name}");
        }
    }

    #[test]
    fn variables_expand_in_values_and_only_where_keys_are() {
        let text = "other: ${NOT_SET}\nentrakey:\n  client_id: ${APP}-$1\n  refresh_ratio: ${RATIO}\n  name: $${APP}\n";
        let values = load("a.yaml", text, &[("APP", "app"), ("RATIO", "0.25")]).unwrap();
        assert_eq!(values.pairs(), [("client_id", "app-$1"), ("name", "${APP}"), ("refresh_ratio", "0.25")]);
    }

    #[test]
    fn what_is_wrong_is_named_with_the_file_and_without_values() {
        for (name, text, needles) in [
            ("a.ini", "client_id=hunter2", &[".toml", ".yaml"][..]),
            ("a.json", "{\"clientid\": \"hunter2\"}", &["clientid", "\"client_id\""]),
            ("a.yaml", "redis:\n  password: hunter2\n", &["\"redis\"", "entrakey"]),
            ("a.yaml", "client_secret: [hunter2]\n", &["client_secret", "flat"]),
            ("a.yaml", "client_secret:\n", &["client_secret", "no value"]),
            ("a.yaml", "entrakey:\n  <<: {name: hunter2}\n", &[": key (2 characters", "is a table"]),
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
            let message = refusal(name, text);
            assert!(needles.iter().all(|needle| message.contains(needle)), "{text}: {message}");
        }
        assert!(refusal("a.json", b"{\"client_id\": \"\xff\"}").contains("UTF-8"));
    }

    #[test]
    fn only_a_regular_file_of_a_sensible_size_is_read() {
        let large = format!("client_id: app\n#{}", "x".repeat(MAX_BYTES as usize));
        assert!(refusal("a.yaml", large).contains("larger"));
        let refused = |path: &str| read(path, None, &environment(&[])).err().unwrap().to_string();
        let directory = std::env::temp_dir().join(format!("entrakey-{}.yaml", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        assert!(refused(directory.to_str().unwrap()).contains("regular"));
        std::fs::remove_dir(&directory).unwrap();
        assert!(refused("/nowhere/at/all.yaml").contains("cannot be read"));
    }
}
