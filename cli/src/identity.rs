//! Every configuration key as an option: `client_id` is `--client-id`. Made from core's one table of keys.

use crate::terminal::{WARNING, painted, say};
use clap::builder::PossibleValuesParser;
use clap::error::Error;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use entrakey_core::{Config, KEYS, Key, KeyType};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The values of keys, by name.
pub(crate) type Keys = BTreeMap<&'static str, Zeroizing<String>>;

/// What the options say. It has no `Debug`: some of it is secret.
#[derive(Clone, Default)]
pub(crate) struct IdentityArguments {
    pub(crate) keys: Keys,
}

/// The option of a key. A service has a `--config-file` of its own, which may hold keys too.
fn option(key: &Key) -> String {
    match key.name {
        "config_file" => "identity-file".to_owned(),
        "config_entry" => "identity-entry".to_owned(),
        name => name.replace('_', "-"),
    }
}

/// The id of a key's option: no other option's.
fn id(key: &Key) -> String {
    format!("{OF_KEYS}{}", key.name)
}

const OF_KEYS: &str = "entrakey.";

fn is_secret(key: &Key) -> bool {
    matches!(key.kind, KeyType::Secret | KeyType::Pem | KeyType::Certificate)
}

/// Tuning that hardly anybody needs: `--help` shows it, `-h` does not.
fn is_tuning(key: &Key) -> bool {
    matches!(key.kind, KeyType::Milliseconds(_) | KeyType::Fraction)
}

fn argument(key: &'static Key) -> Arg {
    let (value, parser): (_, Option<PossibleValuesParser>) = match key.kind {
        KeyType::Milliseconds(_) => ("MS", None),
        KeyType::Fraction => ("SHARE", None),
        KeyType::Choice(words) => {
            let is_possible = |word: &&&str| **word != "custom"; // a callback of the host's, and nobody embeds a command
            ("NAME", Some(words.iter().filter(is_possible).copied().into()))
        }
        KeyType::Boolean => ("BOOL", Some(["true", "false"].into())),
        _ if key.name.ends_with("_path") || key.name.ends_with("_file") => ("FILE", None),
        _ => ("TEXT", None),
    };
    let default = if key.default.is_empty() { String::new() } else { format!(" [default: {}]", key.default) };
    let also = if key.azure_variable.is_empty() { "" } else { " and " };
    let help = format!("{}{default} [env: {}{also}{}]", key.doc, key.variable(), key.azure_variable);
    let argument =
        Arg::new(id(key)).long(option(key)).value_name(value).help(help).hide_short_help(is_tuning(key));
    match parser {
        Some(parser) => argument.value_parser(parser),
        None => argument,
    }
}

impl Args for IdentityArguments {
    fn augment_args(command: Command) -> Command {
        command
            .next_help_heading("Identity (the configuration keys, see docs/configuration.md)")
            .args(KEYS.iter().map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for IdentityArguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let value = |key: &Key| matches.get_one::<String>(&id(key)).cloned().map(Zeroizing::new);
        let values = KEYS.iter().filter_map(|key| Some((key.name, value(key)?)));
        Ok(Self { keys: values.collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Whether the environment has that variable. Keys without an Azure one have an empty name there.
pub(crate) fn is_set(variable: &str) -> bool {
    !variable.is_empty() && std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}

/// Whether an option's id is a key's.
pub(crate) fn is_of_key(id: &str) -> bool {
    id.starts_with(OF_KEYS)
}

/// The key of that name.
pub(crate) fn key(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

impl IdentityArguments {
    /// The options that carry a secret, which every user of the machine can read in the list of processes.
    pub(crate) fn exposed(&self) -> Vec<String> {
        self.exposed_keys().map(|key| format!("--{}", option(key))).collect()
    }

    fn exposed_keys(&self) -> impl Iterator<Item = &'static Key> {
        let is_exposed = |key: &&Key| match self.keys.get(key.name) {
            Some(url) if key.name == "proxy" => has_user(url),
            Some(_) => is_secret(key),
            None => false,
        };
        KEYS.iter().filter(is_exposed)
    }

    /// Says so, for a command without a log.
    pub(crate) fn warn_of_exposed(&self, command: &str) {
        for key in self.exposed_keys() {
            let (who, option) = (painted(WARNING, format!("entrakey {command}:")), option(key));
            say(format_args!(
                "{who} --{option}: every user of this machine can read it in the list of processes: use the variable {}, or \
                 a file.",
                key.variable()
            ));
        }
    }
}

/// Whether a proxy's URL has a user, and with it as a rule a password.
fn has_user(url: &str) -> bool {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    authority.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
}

/// entrakey's own variables that carry a secret.
pub(crate) fn secret_variables() -> impl Iterator<Item = String> {
    KEYS.iter().filter(|key| is_secret(key)).map(Key::variable)
}

/// A configuration of these values, which were typed or are in a service's file.
pub(crate) fn config(keys: &Keys) -> Result<Config, entrakey_core::Error> {
    let mut config = Config::new().called("given to the command");
    keys.iter().try_for_each(|(key, value)| config.set(key, value))?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_an_option_and_what_is_given_is_a_configuration() {
        let command = IdentityArguments::augment_args(Command::new("x"));
        for key in KEYS {
            assert!(
                command.get_arguments().any(|argument| argument.get_id() == id(key).as_str()),
                "{}",
                key.name
            );
        }
        let given = ["x", "--identity", "service_principal", "--tenant-id", "t", "--client-secret", "s3cret"];
        let matches = command.get_matches_from(given);
        let arguments = IdentityArguments::from_arg_matches(&matches).unwrap();
        assert_eq!(arguments.keys.len(), 3);
        assert_eq!(arguments.exposed(), ["--client-secret"]);
        let shown = format!("{:?}", config(&arguments.keys).unwrap());
        assert!(shown.contains("service_principal") && !shown.contains("s3cret"), "{shown}");
    }

    #[test]
    fn a_proxys_url_is_a_secret_if_it_has_a_user() {
        for (url, is_exposed) in [
            ("http://proxy.example:3128", false),
            ("http://proxy.example:3128/@", false),
            ("http://user:s3cret@proxy.example:3128", true),
            ("user:s3cret@proxy.example:3128", true),
        ] {
            let keys = Keys::from([("proxy", Zeroizing::new(url.to_owned()))]);
            assert_eq!(IdentityArguments { keys }.exposed() == ["--proxy"], is_exposed, "{url}");
        }
    }
}
