//! Configuration as the text of a JSON object, for hosts in which that is easier than a call for each key.

use super::config::Config;
use super::document::{Format, Node};
use super::environment::Environment;
use super::expand::expand;
use super::find_key::key_for_message;
use super::key_value::key_value;
use crate::error::{Error, Result};
use zeroize::Zeroizing;

/// The limit that configuration files have: a larger text is something else.
const MAX_BYTES: usize = 1024 * 1024;

impl Config {
    /// Sets the keys of a JSON object: `{"client_id": "…", "refresh_ratio": 0.5}`. Numbers and booleans may be
    /// written as such. If one value is refused, no key is set. With `expand`, `${NAME}` in a value stands for the
    /// environment variable of that name and `$${` for `${`, as in a configuration file; without `expand` values are
    /// taken as they are. No file is read.
    ///
    /// # Errors
    /// `INVALID_CONFIG` as [`Config::set`], and for what is not a flat JSON object; values are not repeated.
    pub fn set_json(&mut self, text: &str, expand: bool) -> Result<()> {
        if text.len() > MAX_BYTES {
            return Err(refuse("it is larger than 1 MiB."));
        }
        let root = Format::Json.parse(text).map_err(|reason| refuse(format!("{reason}.")))?;
        let Node::Map(keys) = root else {
            return Err(refuse("it must be an object of keys and values: {\"client_id\": \"…\"}."));
        };
        let environment = expand.then(Environment::read);
        let mut fresh = Self::new();
        for (name, node) in &keys {
            let value = key_value(name, node)
                .map_err(|reason| refuse(format!("key {} {reason}", key_for_message(name))))?;
            let value = match &environment {
                Some(environment) => expanded(name, &value, environment)?,
                None => value,
            };
            fresh.set(name, &value)?;
        }
        self.extend(fresh);
        Ok(())
    }
}

fn expanded(name: &str, text: &str, environment: &Environment) -> Result<Zeroizing<String>> {
    expand(text, |variable| environment.variable(variable))
        .map_err(|error| refuse(format!("{}: {error}", key_for_message(name))))
}

fn refuse(what: impl AsRef<str>) -> Error {
    Error::invalid_config(format!("Configuration as JSON: {}", what.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn refusal(text: &str, expand: bool) -> String {
        let mut config = Config::new();
        config.set("scope", "kept").unwrap();
        let error = config.set_json(text, expand).expect_err("accepted");
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert_eq!(format!("{config:?}"), r#"{"scope": "kept"}"#, "half of it was taken: {text}");
        assert!(!error.message().contains("hunter2"), "{error}");
        error.message().to_owned()
    }

    #[test]
    fn values_are_what_they_are_and_add_to_what_was_set() {
        let mut config = Config::new();
        config.set("client_id", "old").unwrap();
        config.set("tenant_id", "kept").unwrap();
        let text =
            r#"{"client_id": "new", "client_secret": "a${b}", "refresh_ratio": 0.5, "retry_max_ms": 40000}"#;
        config.set_json(text, false).unwrap();
        let get = |key| config.get(key).unwrap();
        assert_eq!([get("client_id"), get("tenant_id"), get("client_secret")], ["new", "kept", "a${b}"]);
        assert_eq!([get("refresh_ratio"), get("retry_max_ms")], ["0.5", "40000"]);
        assert!(Config::new().set_json("{}", false).is_ok());
    }

    #[test]
    fn variables_expand_only_when_asked_for() {
        let home = std::env::var("PATH").unwrap();
        let mut config = Config::new();
        config.set_json(r#"{"name": "$${x}", "client_secret_path": "${PATH}"}"#, true).unwrap();
        assert_eq!(
            (config.get("name"), config.get("client_secret_path")),
            (Some("${x}"), Some(home.as_str()))
        );
        let message = refusal(r#"{"client_id": "hunter2${ENTRAKEY_NOT_SET_ANYWHERE}"}"#, true);
        assert!(message.contains("ENTRAKEY_NOT_SET_ANYWHERE") && message.contains("client_id"), "{message}");
    }

    #[test]
    fn what_is_wrong_is_named_and_nothing_is_taken() {
        for (text, needle) in [
            ("", "too early"),
            ("[]", "object"),
            ("\"hunter2\"", "object"),
            ("{\"client_id\": \"hunter2\",}", "line 1"),
            ("{\"clientid\": \"hunter2\"}", "\"client_id\""),
            ("{\"client_id\": \"a\", \"client_id\": \"hunter2\"}", "twice"),
            ("{\"tenant_id\": \"a\", \"client_secret\": [\"hunter2\"]}", "client_secret"),
            ("{\"client_secret\": null}", "no value"),
            ("{\"client_secret\": 123456789012345678901234}", "quote"),
            ("{\"client_id\": \"a\", \"request_timeout_ms\": \"hunter2\"}", "milliseconds"),
            ("{\"entrakey\": {\"client_id\": \"hunter2\"}}", "entrakey"),
        ] {
            let message = refusal(text, false);
            assert!(message.contains(needle), "{text}: {message}");
        }
        let large = format!("{{\"name\": \"{}\"}}", "x".repeat(MAX_BYTES));
        assert!(refusal(&large, false).contains("1 MiB"));
        assert!(refusal(&"[".repeat(100_000), false).contains("line 1"), "too deep");
    }
}
