//! The configuration file of `entrakey proxy`: options by their names, keys of the identity under `entrakey`, and
//! `upstreams` if there are several.

use super::arguments::{Arguments, UpstreamArguments};
use super::{NAME, PREFIX};
use crate::failure::Failure;
use crate::identity::{Keys, key};
use crate::settings::{self, Given, is_explicit};
use clap::{Arg, ArgMatches, Args as _, Command, FromArgMatches};
use entrakey_core::{Config, ServiceValue, read_service_file};
use std::collections::BTreeMap;
use std::path::Path;
use zeroize::Zeroizing;

type Table = BTreeMap<String, ServiceValue>;

/// What is in it.
pub(super) struct File {
    path: String,
    /// The options.
    top: Table,
    upstreams: Vec<Table>,
    /// The keys for all, which core reads by itself.
    keys: Option<ServiceValue>,
}

const KEYS: &str = "entrakey";
const UPSTREAMS: &str = "upstreams";

/// What every upstream has for itself.
const OF_ONE: [&str; 3] = ["host", "port", "unix_socket"];

impl File {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let path = path.to_str().ok_or_else(|| Failure::usage("--config-file: its name must be UTF-8"))?;
        let mut top = read_service_file(path)?;
        let (keys, upstreams) = (top.remove(KEYS), top.remove(UPSTREAMS));
        let file = Self { path: path.to_owned(), top, upstreams: Vec::new(), keys };
        let upstreams = match upstreams {
            None => Some(Vec::new()),
            Some(ServiceValue::List(items)) => items.into_iter().map(table).collect(),
            Some(_) => None,
        };
        let upstreams = upstreams.ok_or_else(|| file.refuse("\"upstreams\" must be a list of tables."))?;
        Ok(Self { upstreams, ..file })
    }

    pub(super) fn upstreams(&self) -> &[Table] {
        &self.upstreams
    }

    fn refuse(&self, what: impl AsRef<str>) -> Failure {
        Failure::usage(format!("Configuration file \"{}\": {}", self.path, what.as_ref()))
    }

    /// With several upstreams nothing can be said at once of what each of them has for itself.
    pub(super) fn forbid_one_for_all(&self, typed: &ArgMatches) -> Result<(), Failure> {
        let is_said = |id: &&str| {
            is_explicit(typed, id)
                || self.top.contains_key(&id.replace('_', "-"))
                || self.top.contains_key(*id)
        };
        match OF_ONE.into_iter().find(is_said) {
            None => Ok(()),
            Some(id) => Err(self.refuse(format!(
                "it has upstreams, each with its own {}: it cannot be given for all of them, by an option, by {} or at the \
                 top of the file.",
                id.replace('_', "-"),
                settings::variable(PREFIX, id)
            ))),
        }
    }

    /// The options with what the file says for all and in `own`, one upstream's table; and the keys for its identity.
    pub(super) fn arguments(
        &self,
        typed: &ArgMatches,
        own: Option<&Table>,
    ) -> Result<(Arguments, Keys), Failure> {
        let (nothing, command) = (Table::new(), crate::command());
        let own = own.unwrap_or(&nothing);
        let command = command.find_subcommand(NAME).unwrap_or(&command);
        self.forbid_out_of_place(command, own)?;
        let mut given = settings::options(command, &self.top, &[], &self.path)?;
        given.extend(settings::options(command, own, &[KEYS], &self.path)?);
        self.leave_one_password(&mut given, typed)?;
        let arguments = self.again(&given)?;
        let mut keys = self.keys(own)?;
        keys.extend(arguments.identity.keys.clone());
        Ok((arguments, keys))
    }

    /// The options of an order to a proxy that runs with this file. The rest of the file is that proxy's to check.
    pub(super) fn order<T: FromArgMatches>(&self, order: &str) -> Result<T, Failure> {
        let command = crate::command();
        let own = command.find_subcommand(NAME).and_then(|proxy| proxy.find_subcommand(order));
        let own = own.unwrap_or(&command);
        let names = self.top.keys().map(String::as_str);
        let others: Vec<_> = names.filter(|name| !settings::is_option(own, name)).collect();
        let given = settings::options(own, &self.top, &others, &self.path)?;
        let with_file = |order: Command| settings::with_file(order, &given);
        let command = crate::command().mut_subcommand(NAME, |proxy| proxy.mut_subcommand(order, with_file));
        let matches = command.try_get_matches().map_err(|error| self.refuse(settings::unfit(&error)))?;
        let matches = matches.subcommand_matches(NAME).and_then(|proxy| proxy.subcommand_matches(order));
        let matches = matches.ok_or_else(|| self.refuse("the order is not in the command line."))?;
        T::from_arg_matches(matches).map_err(|error| self.refuse(settings::unfit(&error)))
    }

    /// What would not be heeded where it stands.
    fn forbid_out_of_place(&self, command: &Command, own: &Table) -> Result<(), Failure> {
        if let Some(name) = ["config-file", "config_file"].iter().find(|name| self.top.contains_key(**name)) {
            return Err(self.refuse(format!("{name} cannot be given in the file itself.")));
        }
        let of_one = UpstreamArguments::augment_args(Command::new(UPSTREAMS)).arg(Arg::new("host"));
        let is_of_process =
            |name: &&String| settings::is_option(command, name) && !settings::is_option(&of_one, name);
        match own.keys().find(is_of_process) {
            None => Ok(()),
            Some(name) => Err(self.refuse(format!(
                "{name} holds for the whole process: put it at the top, not into \"{UPSTREAMS}\"."
            ))),
        }
    }

    fn leave_one_password(&self, given: &mut Given, typed: &ArgMatches) -> Result<(), Failure> {
        if ["password", "password_file"].iter().any(|id| is_explicit(typed, id)) {
            given.remove("password");
            given.remove("password_file");
        }
        match given.contains_key("password") && given.contains_key("password_file") {
            true => Err(self.refuse("give password or password-file, not both.")),
            false => Ok(()),
        }
    }

    /// Reads the command line once more, with what the file says where nothing was typed.
    fn again(&self, given: &Given) -> Result<Arguments, Failure> {
        let with_file = |command: Command| settings::with_file(command, given);
        let matches = crate::command().mut_subcommand(NAME, with_file).try_get_matches();
        let matches = matches.map_err(|error| self.refuse(settings::unfit(&error)))?;
        let own = matches.subcommand_matches(NAME).unwrap_or(&matches);
        Arguments::from_arg_matches(own).map_err(|error| self.refuse(settings::unfit(&error)))
    }

    /// Keys that are said of one upstream win over variables, which are said of the process. Those for all do not: core
    /// reads them.
    fn keys(&self, own: &Table) -> Result<Keys, Failure> {
        let mut keys = Keys::new();
        if self.keys.is_some() {
            keys.insert("config_file", Zeroizing::new(self.path.clone()));
        }
        let table = match own.get(KEYS) {
            None => return Ok(keys),
            Some(ServiceValue::Table(table)) => table,
            Some(_) => return Err(self.refuse(format!("\"{KEYS}\" must be a table of configuration keys."))),
        };
        for (name, value) in table {
            let value = text(value).ok_or_else(|| self.refuse(format!("{name} must be a text.")))?;
            let checked = Config::new().set(name, value);
            checked.map_err(|error| self.refuse(error.message()))?; // core knows the nearest one
            keys.extend(key(name).map(|key| (key.name, value.clone())));
        }
        Ok(keys)
    }
}

fn text(value: &ServiceValue) -> Option<&Zeroizing<String>> {
    match value {
        ServiceValue::Text(text) => Some(text),
        _ => None,
    }
}

fn table(value: ServiceValue) -> Option<Table> {
    match value {
        ServiceValue::Table(table) => Some(table),
        _ => None,
    }
}
