//! A service's configuration file: its options by their names, and tables of its own. The rest is as if it had been typed.

use crate::failure::Failure;
use crate::identity::{Keys, config, key};
use crate::settings::{self, Given, is_explicit};
use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};
use entrakey_core::{Config, ServiceValue, read_service_file, read_service_settings};
use entrakey_service::Table;
use std::ffi::OsString;
use std::path::Path;
use zeroize::Zeroizing;

/// What is in it.
pub(crate) struct ServiceFile {
    path: String,
    /// The table that it is of another service's file, for errors.
    inside: Option<&'static str>,
    /// The options, once what is none of them has been taken.
    pub(crate) options: Table,
}

impl ServiceFile {
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let path = text(path)?.to_owned();
        Self { inside: None, options: read_service_file(&path)?, path }.checked()
    }

    /// Of the file only what has these names: a person's order needs no variable of the service's.
    pub(crate) fn read_settings(path: &Path, names: &[&str]) -> Result<Self, Failure> {
        let path = text(path)?.to_owned();
        Self { inside: None, options: read_service_settings(&path, names)?, path }.checked()
    }

    /// One whose content is that table of this file, and gone from it; none if it is not there.
    pub(crate) fn take_file(&mut self, name: &'static str) -> Result<Option<Self>, Failure> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let options = table(value).ok_or_else(|| self.refuse(format!("\"{name}\" must be a table.")))?;
        Self { path: self.path.clone(), inside: Some(name), options }.checked().map(Some)
    }

    fn checked(self) -> Result<Self, Failure> {
        let file = self;
        match ["config-file", "config_file"].iter().find(|name| file.options.contains_key(**name)) {
            None => Ok(file),
            Some(name) => Err(file.refuse(format!("{name} cannot be given in the file itself."))),
        }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn refuse(&self, what: impl AsRef<str>) -> Failure {
        let inside = self.inside.map(|name| format!("{name}: ")).unwrap_or_default();
        Failure::usage(format!("Configuration file \"{}\": {inside}{}", self.path, what.as_ref()))
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<ServiceValue> {
        self.options.remove(name)
    }

    /// A list of tables, gone from the file; empty if it is not there.
    pub(crate) fn take_tables(&mut self, name: &str) -> Result<Vec<Table>, Failure> {
        let tables = match self.take(name) {
            None => Some(Vec::new()),
            Some(ServiceValue::List(items)) => items.into_iter().map(table).collect(),
            Some(_) => None,
        };
        tables.ok_or_else(|| self.refuse(format!("\"{name}\" must be a list of tables.")))
    }

    /// The command that `way` leads to, by the names of subcommands.
    pub(crate) fn command(way: &[&'static str]) -> Command {
        let command = crate::command();
        let found = way.iter().try_fold(&command, |command, name| command.find_subcommand(name)).cloned();
        found.unwrap_or(command)
    }

    /// Reads the command line once more, with what the file says where nothing was typed and no variable is set.
    pub(crate) fn matches(&self, way: &[&'static str], given: &Given) -> Result<ArgMatches, Failure> {
        self.matches_of(std::env::args_os(), way, given)
    }

    /// Reads that line, with what the file says where it does not and no variable is set.
    pub(crate) fn matches_of(
        &self,
        line: impl IntoIterator<Item = OsString>,
        way: &[&'static str],
        given: &Given,
    ) -> Result<ArgMatches, Failure> {
        let line: Vec<_> = line.into_iter().collect();
        let matches = self.read_line(&line, way, given)?;
        let given = self.without_excluded(&Self::command(way), &matches, given)?;
        self.read_line(&line, way, &given)
    }

    fn read_line(
        &self,
        line: &[OsString],
        way: &[&'static str],
        given: &Given,
    ) -> Result<ArgMatches, Failure> {
        let matches = with_file(crate::command(), way, given).try_get_matches_from(line);
        let matches = matches.map_err(|error| self.refuse(settings::unfit(&error)))?;
        let own = way.iter().try_fold(&matches, |matches, name| matches.subcommand_matches(name));
        own.cloned().ok_or_else(|| self.refuse("the order is not in the command line."))
    }

    /// Of two options that exclude each other what is typed, or in a variable, counts, and not what the file says. (The file's
    /// are defaults to clap, which does not look whether those exclude anything.)
    fn without_excluded(
        &self,
        command: &Command,
        matches: &ArgMatches,
        given: &Given,
    ) -> Result<Given, Failure> {
        let is_off = |one: &Arg| {
            let is_switch = matches!(one.get_action(), ArgAction::SetTrue);
            is_switch && !matches.get_flag(one.get_id().as_str())
        };
        let mut left = given.clone();
        for one in command.get_arguments().filter(|one| !is_off(one)) {
            for other in command.get_arg_conflicts_with(one).into_iter().filter(|other| !is_off(other)) {
                let pair = [one, other].map(|option| option.get_id().as_str());
                match pair.map(|id| is_explicit(matches, id)) {
                    [true, _] => drop(left.remove(pair[1])),
                    [_, true] => drop(left.remove(pair[0])),
                    _ if pair.iter().all(|id| given.contains_key(*id)) => {
                        let [one, other] = pair.map(|id| id.replace('_', "-"));
                        return Err(self.refuse(format!("give {one} or {other}, not both.")));
                    }
                    _ => {}
                }
            }
        }
        Ok(left)
    }

    pub(crate) fn arguments<T: FromArgMatches>(&self, matches: &ArgMatches) -> Result<T, Failure> {
        T::from_arg_matches(matches).map_err(|error| self.refuse(settings::unfit(&error)))
    }

    /// A key of an identity and its value, as core would take it.
    pub(crate) fn key(
        &self,
        name: &str,
        value: &ServiceValue,
    ) -> Result<(&'static str, Zeroizing<String>), Failure> {
        let ServiceValue::Text(text) = value else {
            return Err(self.refuse(format!("{name} must be a text.")));
        };
        Config::new().set(name, text).map_err(|error| self.refuse(error.message()))?; // core knows the nearest one
        let key = key(name).ok_or_else(|| self.refuse(format!("{name} is no key.")))?;
        Ok((key.name, text.clone()))
    }

    /// A configuration of the keys that were typed, and of that table's for all. Core knows which variables an identity reads,
    /// and those win over the table.
    pub(crate) fn config(&self, typed: &Keys, table: &Table) -> Result<Config, Failure> {
        let mut config = config(typed)?;
        for (name, value) in table {
            let (name, text) = self.key(name, value)?;
            config.set_in_file(name, &text, &format!("configuration file \"{}\": {name}", self.path))?;
        }
        Ok(config)
    }
}

fn with_file(command: Command, way: &[&'static str], given: &Given) -> Command {
    match way {
        [] => settings::with_file(command, given),
        [first, rest @ ..] => command.mut_subcommand(*first, |order| with_file(order, rest, given)),
    }
}

fn text(path: &Path) -> Result<&str, Failure> {
    path.to_str().ok_or_else(|| Failure::usage("--config-file: its name must be UTF-8"))
}

/// A value that is a table.
pub(crate) fn table(value: ServiceValue) -> Option<Table> {
    match value {
        ServiceValue::Table(table) => Some(table),
        _ => None,
    }
}
