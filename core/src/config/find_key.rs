//! The key of a name. For a name that no key has: the nearest one, and how much of the name a message may show.

use super::keys::{KEYS, Key};
use crate::error::{Error, Result};

/// The key of that name, or an error that names the nearest one.
pub(super) fn find_key(name: &str) -> Result<&'static Key> {
    if let Some(key) = KEYS.iter().find(|key| key.name == name) {
        return Ok(key);
    }
    // Only the beginning is compared: a comparison takes time by the product of both lengths.
    let compared: String = name.chars().take(LONGEST_NAME).collect();
    let nearest = KEYS
        .iter()
        .map(|key| (strsim::jaro_winkler(key.name, &compared), key.name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.7);
    let hint = match nearest {
        Some((_, key)) => format!("did you mean \"{key}\"?"),
        None => format!("the keys are {}.", all_names()),
    };
    Err(Error::invalid_config(format!("Unknown configuration key {}: {hint}", key_for_message(name))))
}

/// No key is longer.
const LONGEST_NAME: usize = 32;

/// An unknown name, for a message. The message quotes the name if it is near a key or made of words that keys are made of.
/// Any other name may be a value, and a secret: somebody may have swapped key and value.
pub(super) fn key_for_message(name: &str) -> String {
    if name.len() <= LONGEST_NAME && (is_near_a_key(name) || is_made_of_words(name)) {
        return format!("\"{name}\"");
    }
    format!(
        "({} characters, not shown as they may be a value; were key and value swapped?)",
        name.chars().count()
    )
}

/// Whether the name is a key with a slip or two in it. No secret is that near to a key.
fn is_near_a_key(name: &str) -> bool {
    let plain = |name: &str| name.replace(['_', '-'], "").to_ascii_lowercase();
    let name = plain(name);
    KEYS.iter()
        .map(|key| plain(key.name))
        .any(|key| strsim::osa_distance(&key, &name) <= 2.min(key.len() / 4))
}

/// Words that keys of other configurations are made of. The words of our own keys count too.
const WORDS: &[&str] = &[
    "access",
    "account",
    "app",
    "application",
    "auth",
    "authentication",
    "authority",
    "azure",
    "base",
    "cert",
    "config",
    "credential",
    "credentials",
    "database",
    "default",
    "details",
    "enabled",
    "endpoint",
    "entra",
    "entrakey",
    "env",
    "host",
    "key",
    "level",
    "log",
    "managed",
    "mode",
    "msi",
    "options",
    "pass",
    "password",
    "passwd",
    "port",
    "principal",
    "redis",
    "region",
    "scopes",
    "server",
    "servers",
    "service",
    "settings",
    "ssl",
    "tenant",
    "timeout",
    "tls",
    "token",
    "type",
    "uri",
    "url",
    "user",
    "value",
    "version",
    "workload",
];

/// Whether the name is made of known words, in snake_case, kebab-case or camelCase.
fn is_made_of_words(name: &str) -> bool {
    // A capital letter begins a word, unless all of them are capital.
    let is_camel = name.contains(|c: char| c.is_ascii_lowercase());
    let mut apart = String::with_capacity(2 * LONGEST_NAME);
    for c in name.chars() {
        if is_camel && c.is_ascii_uppercase() {
            apart.push('_');
        }
        apart.push(c.to_ascii_lowercase());
    }
    let mut words = apart.split(['_', '-']).filter(|word| !word.is_empty()).peekable();
    let is_known =
        |word| WORDS.contains(&word) || KEYS.iter().any(|key| key.name.split('_').any(|part| part == word));
    words.peek().is_some() && words.all(is_known)
}

/// A name that a file has for something else than a key (an entry, a field), shortened for a message.
pub(super) fn name_for_message(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(40).collect()
}

fn all_names() -> String {
    KEYS.iter().map(|key| key.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_shown_only_if_it_can_be_one() {
        for name in [
            "clientId",
            "clientid",
            "tennant_id",
            "CLIENT_ID",
            "client_sceret",
            "redis",
            "clientSecretValue",
            "timeout-ms",
        ] {
            assert_eq!(key_for_message(name), format!("\"{name}\""));
        }
        for value in [
            "Xyz8Q~aBcDeFgHiJkLmNoPqRsTuVwXyZ01234567",
            "hunter2",
            "",
            "a b",
            &"x".repeat(33),
            "tëst",
            "correcthorsebatterystaple",
            "abcdefghijklmnopqrstuvwxyzabcdef",
            "Sunshine",
            "sesame",
            "open-sesame",
            "passwordpassword",
            "letmein",
        ] {
            let message = find_key(value).unwrap_err().to_string();
            assert!(value.is_empty() || !message.contains(value), "{message}");
            assert!(message.contains(&format!("({} characters", value.chars().count())), "{message}");
        }
        assert!(
            KEYS.iter()
                .all(|key| key.name.len() <= LONGEST_NAME && key_for_message(key.name).contains(key.name))
        );
    }
}
