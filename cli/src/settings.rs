//! A service's settings: an option, else its variable, else its configuration file, else the default. The variables and the
//! names in the file are made from the options.

use crate::agent;
use crate::exec;
use crate::failure::Failure;
use crate::identity::{is_of_key, key};
use crate::leases;
use crate::proxy;
use crate::terminal::say;
use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use entrakey_core::{MisspeltVariable, ServiceValue};
use std::collections::BTreeMap;
use std::env::var_os;

/// What a file has, by the ids of the options.
pub(crate) type Given = BTreeMap<String, Vec<String>>;

/// `ENTRAKEY_PROXY_HTTP_PORT` for the id `http_port` and the prefix `ENTRAKEY_PROXY`.
pub(crate) fn variable(prefix: &str, id: &str) -> String {
    format!("{prefix}_{}", id.to_ascii_uppercase())
}

/// Gives every option its variable; configuration keys have theirs, which core reads. An empty one counts as absent.
pub(crate) fn with_variables(command: Command, prefix: &str) -> Command {
    command.mut_args(|argument| {
        let name = variable(prefix, argument.get_id().as_str());
        if is_of_key(argument.get_id().as_str()) || is_not_meant(&name) {
            return argument;
        }
        boolish(argument).env(name).hide_env_values(true)
    })
}

/// Of two options that exclude each other one that is typed wins over the other's variable, as it wins over its own.
pub(crate) fn with_typed_first(command: Command) -> Command {
    let mut outweighed = Vec::new();
    for one in command.get_arguments() {
        for other in command.get_arg_conflicts_with(one) {
            let pairs = [(one, other), (other, one)];
            let weaker = pairs.into_iter().filter(|(typed, _)| typed.get_long().is_some_and(is_typed));
            outweighed.extend(weaker.map(|(_, weaker)| weaker.get_id().clone()));
        }
    }
    let without_variable =
        |command: Command, id| command.mut_arg(id, |argument| argument.env(Resettable::Reset));
    outweighed.into_iter().fold(command, without_variable).mut_subcommands(with_typed_first)
}

/// Whether that option is in the command line, by its long name.
fn is_typed(long: &str) -> bool {
    let is_it = |typed: &str| {
        typed
            .strip_prefix("--")
            .and_then(|typed| typed.strip_prefix(long))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    };
    std::env::args_os().any(|typed| typed.to_str().is_some_and(is_it))
}

/// Whether the variable has nothing, or something that is not for us: for a Service called entrakey-proxy Kubernetes gives
/// every pod of its namespace `ENTRAKEY_PROXY_PORT=tcp://10.0.0.1:6379`.
fn is_not_meant(name: &str) -> bool {
    let value = var_os(name).and_then(|value| value.into_string().ok());
    value.is_some_and(|value| {
        (value.is_empty() && !PROTECTING.iter().any(|end| name.ends_with(end)))
            || (name.ends_with("_PORT") && value.starts_with("tcp://"))
    })
}

/// What keeps others out: if it is there and empty, whoever should have filled it in has failed, and nobody may get in by that.
const PROTECTING: [&str; 6] =
    ["_PASSWORD", "_PASSWORD_FILE", "_ALLOW_UID", "_ALLOW_GID", "_TLS_CERTIFICATE", "_TLS_KEY"];

/// The variables that look like one of the command's, and that it does not read.
pub(crate) fn misspelt_variables() -> Vec<MisspeltVariable> {
    entrakey_core::misspelt_variables(&variables(&crate::command(), prefix()))
}

/// The variables of a command's options, and of its own commands', with those that were not meant for it.
fn variables(command: &Command, prefix: &str) -> Vec<String> {
    let own = command.get_arguments().flat_map(|argument| {
        let read = argument.get_env().and_then(|name| name.to_str()).map(str::to_owned);
        read.into_iter().chain([variable(prefix, argument.get_id().as_str())])
    });
    own.chain(command.get_subcommands().flat_map(|command| variables(command, prefix))).collect()
}

/// A switch in a variable or a file may be true, yes, on, 1.
fn boolish(argument: Arg) -> Arg {
    match argument.get_action() {
        ArgAction::SetTrue => argument.value_parser(switch),
        _ => argument,
    }
}

fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" | "t" | "y" => Ok(true),
        "false" | "no" | "off" | "0" | "f" | "n" => Ok(false),
        _ => Err("true or false is needed".to_owned()),
    }
}

/// Makes what a file says the options' defaults: checked as if it had been typed, and with less weight.
pub(crate) fn with_file(command: Command, given: &Given) -> Command {
    command.mut_args(|argument| match given.get(argument.get_id().as_str()) {
        Some(values) => argument.default_values(values.clone()),
        None => argument,
    })
}

/// Ends the process with what is wrong with the command line, and says so if a variable was meant and nobody typed it.
pub(crate) fn exit(error: &clap::Error) -> ! {
    let _ = error.print(); // nobody may look
    if let Some(option) = option_of(error) {
        let name = variable(prefix(), &option.replace('-', "_"));
        if !is_typed(&option) && var_os(&name).is_some() {
            say(format_args!("The value comes from the environment variable {name}."));
        }
    }
    let is_exec = std::env::args_os().nth(1).is_some_and(|command| command == exec::NAME);
    let code = match error.exit_code() {
        0 => 0,
        _ if is_exec => i32::from(exec::FAILED), // told apart from its command's
        code => code,
    };
    std::process::exit(code)
}

/// What the variables of the command that was typed begin with.
fn prefix() -> &'static str {
    match std::env::args_os().nth(1) {
        Some(command) if command == agent::NAME => agent::PREFIX,
        Some(command) if command == leases::NAME => leases::PREFIX,
        _ => proxy::PREFIX,
    }
}

/// The option that an error is about, without its dashes.
pub(crate) fn option_of(error: &clap::Error) -> Option<String> {
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) => {
            Some(option.split(' ').next().unwrap_or_default().trim_start_matches('-').to_owned())
        }
        _ => None,
    }
}

/// What is wrong with a value, without the value.
pub(crate) fn unfit(error: &clap::Error) -> String {
    use std::error::Error as _;
    let Some(option) = option_of(error) else {
        return "its settings do not fit together with the options.".to_owned();
    };
    match (error.source(), error.get(ContextKind::InvalidValue)) {
        (Some(reason), _) => format!("{option}: {reason}."),
        (None, Some(ContextValue::String(value))) if value.is_empty() => {
            format!("{option} is empty: give it a value, or leave the line out.")
        }
        (None, _) => match error.get(ContextKind::ValidValue) {
            Some(ContextValue::Strings(words)) => format!("{option} must be one of {}.", words.join(", ")),
            _ => {
                format!("{option} has a value that it cannot have: the command's --help says what it takes.")
            }
        },
    }
}

/// Whether somebody typed it, or set its variable.
pub(crate) fn is_explicit(matches: &ArgMatches, id: &str) -> bool {
    matches!(matches.value_source(id), Some(ValueSource::CommandLine | ValueSource::EnvVariable))
}

/// A table of a file as options. `skipped` are names that mean something else.
///
/// # Errors
/// A name is no option's, or its value is a table.
pub(crate) fn options(
    command: &Command,
    table: &BTreeMap<String, ServiceValue>,
    skipped: &[&str],
    file: &str,
) -> Result<Given, Failure> {
    let refuse = |what: String| Failure::usage(format!("Configuration file \"{file}\": {what}"));
    let mut given = Given::new();
    for (name, value) in table.iter().filter(|(name, _)| !skipped.contains(&name.as_str())) {
        let id = name.replace('-', "_");
        let Some(argument) = options_of(command).find(|argument| argument.get_id() == id.as_str()) else {
            return Err(refuse(match key(&id) {
                Some(key) => format!("{} is a setting of the identity: put it under \"entrakey\".", key.name),
                None => unknown(command, name),
            }));
        };
        if matches!(value, ServiceValue::List(_)) && !matches!(argument.get_action(), ArgAction::Append) {
            return Err(refuse(format!("{name} is a list: give it one value.")));
        }
        let values = texts(value).ok_or_else(|| refuse(format!("{name} is a table: give it a value.")))?;
        if given.insert(id, values).is_some() {
            return Err(refuse(format!("{name} is there twice, spelled differently.")));
        }
    }
    Ok(given)
}

fn options_of(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|argument| !is_of_key(argument.get_id().as_str()))
}

/// Whether the command has an option of that name.
pub(crate) fn is_option(command: &Command, name: &str) -> bool {
    let id = name.replace('-', "_");
    options_of(command).any(|argument| argument.get_id() == id.as_str())
}

fn unknown(command: &Command, name: &str) -> String {
    let compared: String = name.chars().take(40).collect();
    let ids = options_of(command).map(|argument| argument.get_id().as_str());
    let nearest = ids.map(|id| (strsim::jaro_winkler(id, &compared.replace('-', "_")), id));
    match nearest.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(likeness, _)| *likeness > 0.8) {
        Some((_, id)) => format!("{compared:?} is no setting: did you mean \"{}\"?", id.replace('_', "-")),
        None => format!(
            "{compared:?} is no setting: they are the options of the command, without the dashes in front."
        ),
    }
}

fn texts(value: &ServiceValue) -> Option<Vec<String>> {
    match value {
        ServiceValue::Text(text) => Some(vec![text.to_string()]),
        ServiceValue::List(items) => items.iter().map(|item| texts(item)?.pop()).collect(),
        ServiceValue::Table(_) => None,
    }
}
