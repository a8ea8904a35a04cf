//! The configuration file of `entrakey agent`: options by their names, `identities`, `clients`, `token-files`, and under
//! `entrakey` the keys that hold for all identities.

use super::arguments::RunArguments;
use super::{NAME, RUN};
use crate::failure::Failure;
use crate::identity::Keys;
use crate::leases;
use crate::number::gid;
use crate::service::{ServiceFile, table};
use crate::settings;
use clap::ArgMatches;
use entrakey_core::{Config, ServiceValue};
use entrakey_service::{Table, take_list};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What is in it.
pub(super) struct File {
    file: ServiceFile,
    /// The keys for all.
    pub(super) keys: Table,
    pub(super) identities: Vec<(String, Table)>,
    pub(super) clients: Vec<Table>,
    pub(super) token_files: Vec<Table>,
    /// What leases are made of, if this process makes any.
    pub(super) leases: Option<leases::File>,
}

const KEYS: &str = "entrakey";
const IDENTITIES: &str = "identities";
const CLIENTS: &str = "clients";
const DIRECTORY: &str = "directory";
const TOKEN_FILES: [&str; 2] = ["token-files", "token_files"];

impl File {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        Self::of(ServiceFile::read(path)?)
    }

    /// Where the agent is, for an order to it: no other variable need be set than those that say that.
    pub(super) fn read_directory(path: &Path) -> Result<Self, Failure> {
        Self::of(ServiceFile::read_settings(path, &[DIRECTORY])?)
    }

    /// The same of where its clients' secrets are.
    pub(super) fn read_clients(path: &Path) -> Result<Vec<Table>, Failure> {
        Ok(Self::of(ServiceFile::read_settings(path, &[CLIENTS])?)?.clients)
    }

    fn of(mut file: ServiceFile) -> Result<Self, Failure> {
        let keys = take_table(&mut file, KEYS, "must be a table of keys.")?;
        const OF_EACH: &str = "must be a table with a table of keys for each identity.";
        let identities = take_table(&mut file, IDENTITIES, OF_EACH)?;
        let identities = identities.into_iter().map(|(id, one)| Some((id, table(one)?))).collect();
        let identities =
            Option::ok_or_else(identities, || file.refuse(format!("\"{IDENTITIES}\" {OF_EACH}")))?;
        let clients = file.take_tables(CLIENTS)?;
        let mut token_files = Vec::new();
        for name in TOKEN_FILES {
            token_files.extend(file.take_tables(name)?);
        }
        let leases = leases::File::inside(&mut file)?;
        Ok(Self { file, keys, identities, clients, token_files, leases })
    }

    pub(super) fn refuse(&self, what: impl AsRef<str>) -> Failure {
        self.file.refuse(what)
    }

    /// A key of an identity and its value.
    pub(super) fn key(
        &self,
        name: &str,
        value: &ServiceValue,
    ) -> Result<(&'static str, Zeroizing<String>), Failure> {
        self.file.key(name, value)
    }

    /// What was typed, and the keys for all.
    pub(super) fn config(&self, typed: &Keys) -> Result<Config, Failure> {
        self.file.config(typed, &self.keys)
    }

    /// What it says of the agent's directory.
    pub(super) fn directory(&self) -> Result<Option<PathBuf>, Failure> {
        match self.file.options.get(DIRECTORY) {
            None => Ok(None),
            Some(ServiceValue::Text(text)) => Ok(Some(PathBuf::from(text.as_str()))),
            Some(_) => Err(self.refuse("directory must be a text.")),
        }
    }

    /// The options, with what the file says where nothing was typed and no variable is set; and as clap has them.
    pub(super) fn arguments(&self) -> Result<(RunArguments, ArgMatches), Failure> {
        let way = [NAME, RUN];
        let given =
            settings::options(&ServiceFile::command(&way), &self.file.options, &[], self.file.path())?;
        let matches = self.file.matches(&way, &given)?;
        Ok((self.file.arguments(&matches)?, matches))
    }
}

/// As [`take_list`], of users' numbers.
pub(super) fn take_uids(table: &mut Table) -> Result<Vec<u32>, String> {
    let list = take_list(table, "uids")?.unwrap_or_default();
    list.iter().map(|text| text.parse().map_err(|_| "uids must be numbers".to_owned())).collect()
}

/// As [`take_list`], of groups by their numbers or names.
pub(super) fn take_gids(table: &mut Table) -> Result<Vec<u32>, String> {
    let list = take_list(table, "gids")?.unwrap_or_default();
    list.iter().map(|text| gid(text).map_err(|what| format!("gids: {what}"))).collect()
}

fn take_table(file: &mut ServiceFile, name: &str, what: &str) -> Result<Table, Failure> {
    let taken = file.take(name).map_or_else(|| Some(Table::new()), table);
    taken.ok_or_else(|| file.refuse(format!("\"{name}\" {what}")))
}
