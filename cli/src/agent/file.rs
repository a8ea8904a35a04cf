//! The configuration file of `entrakey agent`: options by their names, `identities`, `clients`, `token-files`, and under
//! `entrakey` the keys that hold for all identities.

use super::arguments::RunArguments;
use super::{NAME, RUN};
use crate::failure::Failure;
use crate::leases;
use crate::settings;
use clap::FromArgMatches as _;
use entrakey_core::{ServiceValue, read_service_file};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

pub(super) type Table = BTreeMap<String, ServiceValue>;

/// What is in it.
pub(super) struct File {
    path: String,
    options: Table,
    /// The keys for all.
    pub(super) keys: Table,
    pub(super) identities: Vec<(String, Table)>,
    pub(super) clients: Vec<Table>,
    pub(super) token_files: Vec<Table>,
    /// What leases are made of, if this process makes any.
    leases: Option<Table>,
}

const KEYS: &str = "entrakey";
const IDENTITIES: &str = "identities";
const CLIENTS: &str = "clients";
const LEASES: &str = "leases";
const TOKEN_FILES: [&str; 2] = ["token-files", "token_files"];

impl File {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let path = path.to_str().ok_or_else(|| Failure::usage("--config-file: its name must be UTF-8"))?;
        let mut options = read_service_file(path)?;
        let refuse = |what: &str| Failure::usage(format!("Configuration file \"{path}\": {what}"));
        let keys =
            take_table(&mut options, KEYS).ok_or_else(|| refuse("\"entrakey\" must be a table of keys."))?;
        let identities = take_table(&mut options, IDENTITIES);
        let identities =
            identities.and_then(|all| all.into_iter().map(|(id, one)| Some((id, table(one)?))).collect());
        let identities = identities.ok_or_else(|| {
            refuse("\"identities\" must be a table with a table of keys for each identity.")
        })?;
        let clients = take_tables(&mut options, CLIENTS)
            .ok_or_else(|| refuse("\"clients\" must be a list of tables."))?;
        let mut token_files = Vec::new();
        for name in TOKEN_FILES {
            let some = take_tables(&mut options, name);
            token_files.extend(some.ok_or_else(|| refuse("\"token-files\" must be a list of tables."))?);
        }
        let leases = match options.remove(LEASES) {
            None => None,
            Some(value) => Some(table(value).ok_or_else(|| refuse("\"leases\" must be a table."))?),
        };
        if ["config-file", "config_file"].iter().any(|name| options.contains_key(*name)) {
            return Err(refuse("config-file cannot be given in the file itself."));
        }
        Ok(Self { path: path.to_owned(), options, keys, identities, clients, token_files, leases })
    }

    /// The configuration of leases in this process, if there is one.
    pub(super) fn leases(&self) -> Result<Option<leases::File>, Failure> {
        let of_table = |table: &Table| leases::File::of_table(&self.path, table.clone());
        self.leases.as_ref().map(of_table).transpose()
    }

    pub(super) fn refuse(&self, what: impl AsRef<str>) -> Failure {
        Failure::usage(format!("Configuration file \"{}\": {}", self.path, what.as_ref()))
    }

    /// What it says of the agent's directory.
    pub(super) fn directory(&self) -> Result<Option<PathBuf>, Failure> {
        match self.options.get("directory") {
            None => Ok(None),
            Some(ServiceValue::Text(text)) => Ok(Some(PathBuf::from(text.as_str()))),
            Some(_) => Err(self.refuse("directory must be a text.")),
        }
    }

    /// The options, with what the file says where nothing was typed and no variable is set.
    pub(super) fn arguments(&self) -> Result<RunArguments, Failure> {
        let command = crate::command();
        let run =
            command.find_subcommand(NAME).and_then(|agent| agent.find_subcommand(RUN)).unwrap_or(&command);
        let given = settings::options(run, &self.options, &[], &self.path)?;
        let again = crate::command();
        let again = again
            .mut_subcommand(NAME, |agent| agent.mut_subcommand(RUN, |run| settings::with_file(run, &given)));
        let matches = again.try_get_matches().map_err(|error| self.refuse(settings::unfit(&error)))?;
        let own = matches.subcommand_matches(NAME).and_then(|agent| agent.subcommand_matches(RUN));
        let own = own.ok_or_else(|| self.refuse("the order is not in the command line."))?;
        RunArguments::from_arg_matches(own).map_err(|error| self.refuse(settings::unfit(&error)))
    }
}

/// A table's text, gone from it.
pub(super) fn take_text(table: &mut Table, names: &[&str]) -> Result<Option<Zeroizing<String>>, String> {
    match names.iter().find_map(|name| table.remove(*name)) {
        None => Ok(None),
        Some(ServiceValue::Text(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{} must be a text", names.first().unwrap_or(&""))),
    }
}

/// A table's list of texts, or its one text.
pub(super) fn take_list(table: &mut Table, names: &[&str]) -> Result<Option<Vec<String>>, String> {
    let text = |value: ServiceValue| match value {
        ServiceValue::Text(text) => Some(text.to_string()),
        _ => None,
    };
    let list = match names.iter().find_map(|name| table.remove(*name)) {
        None => return Ok(None),
        Some(ServiceValue::List(items)) => items.into_iter().map(text).collect::<Option<Vec<_>>>(),
        Some(one) => text(one).map(|one| vec![one]),
    };
    list.map(Some).ok_or_else(|| format!("{} must be a list of texts", names.first().unwrap_or(&"")))
}

/// As [`take_list`], of numbers.
pub(super) fn take_numbers(table: &mut Table, name: &str) -> Result<Vec<u32>, String> {
    let list = take_list(table, &[name])?.unwrap_or_default();
    let numbers = list.iter().map(|text| text.parse().map_err(|_| format!("{name} must be numbers")));
    numbers.collect()
}

/// Whether nothing is left that nobody has asked for.
pub(super) fn is_used_up(table: &Table, known: &str) -> Result<(), String> {
    match table.keys().next() {
        None => Ok(()),
        Some(name) => {
            let name: String = name.chars().take(40).collect();
            Err(format!("{name:?} is no setting there: {known} are"))
        }
    }
}

fn take_table(from: &mut Table, name: &str) -> Option<Table> {
    from.remove(name).map_or_else(|| Some(Table::new()), table)
}

fn take_tables(from: &mut Table, name: &str) -> Option<Vec<Table>> {
    match from.remove(name) {
        None => Some(Vec::new()),
        Some(ServiceValue::List(items)) => items.into_iter().map(table).collect(),
        Some(_) => None,
    }
}

fn table(value: ServiceValue) -> Option<Table> {
    match value {
        ServiceValue::Table(table) => Some(table),
        _ => None,
    }
}
