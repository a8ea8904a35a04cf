//! The configuration file of `entrakey proxy`: options by their names, keys of the identity under `entrakey`, and
//! `upstreams` if there are several.

use super::arguments::{Arguments, UpstreamArguments};
use super::{NAME, PREFIX};
use crate::failure::Failure;
use crate::identity::Keys;
use crate::service::ServiceFile;
use crate::settings::{self, is_explicit};
use clap::{Arg, ArgMatches, Args as _, Command, FromArgMatches};
use entrakey_core::ServiceValue;
use entrakey_service::Table;
use std::path::Path;
use zeroize::Zeroizing;

/// What is in it.
pub(super) struct File {
    file: ServiceFile,
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
        let mut file = ServiceFile::read(path)?;
        let (keys, upstreams) = (file.take(KEYS), file.take_tables(UPSTREAMS)?);
        Ok(Self { file, upstreams, keys })
    }

    pub(super) fn refuse(&self, what: impl AsRef<str>) -> Failure {
        self.file.refuse(what)
    }

    pub(super) fn upstreams(&self) -> &[Table] {
        &self.upstreams
    }

    /// With several upstreams nothing can be said at once of what each of them has for itself.
    pub(super) fn forbid_one_for_all(&self, typed: &ArgMatches) -> Result<(), Failure> {
        let is_said = |id: &&str| {
            is_explicit(typed, id)
                || self.file.options.contains_key(&id.replace('_', "-"))
                || self.file.options.contains_key(*id)
        };
        match OF_ONE.into_iter().find(is_said) {
            None => Ok(()),
            Some(id) => Err(self.file.refuse(format!(
                "it has upstreams, each with its own {}: it cannot be given for all of them, by an option, by {} or at the \
                 top of the file.",
                id.replace('_', "-"),
                settings::variable(PREFIX, id)
            ))),
        }
    }

    /// The options with what the file says for all and in `own`, one upstream's table; and the keys for its identity.
    pub(super) fn arguments(&self, own: Option<&Table>) -> Result<(Arguments, Keys), Failure> {
        let (nothing, command) = (Table::new(), ServiceFile::command(&[NAME]));
        let own = own.unwrap_or(&nothing);
        self.forbid_out_of_place(&command, own)?;
        let mut given = settings::options(&command, &self.file.options, &[], self.file.path())?;
        given.extend(settings::options(&command, own, &[KEYS], self.file.path())?);
        let arguments: Arguments = self.file.arguments(&self.file.matches(&[NAME], &given)?)?;
        let mut keys = self.keys(own)?;
        keys.extend(arguments.identity.keys.clone());
        Ok((arguments, keys))
    }

    /// The options of an order to a proxy that runs with this file. The rest of the file is that proxy's to check.
    pub(super) fn order<T: FromArgMatches>(&self, order: &'static str) -> Result<T, Failure> {
        let own = ServiceFile::command(&[NAME, order]);
        let names = self.file.options.keys().map(String::as_str);
        let others: Vec<_> = names.filter(|name| !settings::is_option(&own, name)).collect();
        let given = settings::options(&own, &self.file.options, &others, self.file.path())?;
        self.file.arguments(&self.file.matches(&[NAME, order], &given)?)
    }

    /// What would not be heeded where it stands.
    fn forbid_out_of_place(&self, command: &Command, own: &Table) -> Result<(), Failure> {
        let of_one = UpstreamArguments::augment_args(Command::new(UPSTREAMS)).arg(Arg::new("host"));
        let is_of_process =
            |name: &&String| settings::is_option(command, name) && !settings::is_option(&of_one, name);
        match own.keys().find(is_of_process) {
            None => Ok(()),
            Some(name) => Err(self.file.refuse(format!(
                "{name} holds for the whole process: put it at the top, not into \"{UPSTREAMS}\"."
            ))),
        }
    }

    /// Keys that are said of one upstream win over variables, which are said of the process. Those for all do not: core
    /// reads them.
    fn keys(&self, own: &Table) -> Result<Keys, Failure> {
        let mut keys = Keys::new();
        if self.keys.is_some() {
            keys.insert("config_file", Zeroizing::new(self.file.path().to_owned()));
        }
        let table = match own.get(KEYS) {
            None => return Ok(keys),
            Some(ServiceValue::Table(table)) => table,
            Some(_) => {
                return Err(self.file.refuse(format!("\"{KEYS}\" must be a table of configuration keys.")));
            }
        };
        for (name, value) in table {
            let (name, value) = self.file.key(name, value)?;
            keys.insert(name, value);
        }
        Ok(keys)
    }
}
