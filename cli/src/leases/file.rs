//! The configuration file of `entrakey leases`: options by their names, what leases can be made of, and under `entrakey` the
//! keys that hold for all identities.

use super::arguments::{AzureArguments, PlaceArguments, ServeArguments};
use super::{NAME, SERVE};
use crate::failure::Failure;
use crate::identity::{Keys, config, key};
use crate::manual::NAME as NAME_OF_ALL;
use crate::settings;
use clap::FromArgMatches as _;
use entrakey_core::{Config, ServiceValue, read_service_file};
use entrakey_leases::{Place, Plan, Table};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// What is in it.
pub(crate) struct File {
    path: String,
    options: Table,
    keys: Table,
    own: Table,
}

const KEYS: &str = "entrakey";
/// What is no option.
const OWN: [&str; 9] = [
    "installation",
    "secrets",
    "clients",
    "intent-wait",
    "intent_wait",
    "not-found-wait",
    "not_found_wait",
    "propagation-wait",
    "propagation_wait",
];

impl File {
    pub(super) fn read(given: &PlaceArguments) -> Result<Self, Failure> {
        let path = given.config_file.as_deref().ok_or_else(|| {
            Failure::usage("What leases can be made of is in a file: give --config-file (docs/leases.md has an example).")
        })?;
        Self::read_path(path)
    }

    fn read_path(path: &Path) -> Result<Self, Failure> {
        let path = path.to_str().ok_or_else(|| Failure::usage("--config-file: its name must be UTF-8"))?;
        Self::of_table(path, read_service_file(path)?)
    }

    /// What a table of a file says, of this one or of the agent's.
    pub(crate) fn of_table(path: &str, mut options: Table) -> Result<Self, Failure> {
        let keys = match options.remove(KEYS) {
            None => Table::new(),
            Some(ServiceValue::Table(keys)) => keys,
            Some(_) => {
                return Err(Failure::usage(format!(
                    "Configuration file \"{path}\": \"entrakey\" must be a table of keys."
                )));
            }
        };
        let own = OWN.iter().filter_map(|name| Some(((*name).to_owned(), options.remove(*name)?))).collect();
        Ok(Self { path: path.to_owned(), options, keys, own })
    }

    pub(crate) fn refuse(&self, what: impl AsRef<str>) -> Failure {
        Failure::usage(format!("Configuration file \"{}\": {}", self.path, what.as_ref()))
    }

    /// What leases can be made of. `typed` are keys of the command line.
    pub(crate) fn plan(&self, typed: &Keys) -> Result<(Plan, Config), Failure> {
        let mut keys = typed.clone();
        for (name, value) in &self.keys {
            let ServiceValue::Text(text) = value else {
                return Err(self.refuse(format!("{name} must be a text.")));
            };
            Config::new().set(name, text).map_err(|error| self.refuse(error.message()))?; // core knows the nearest one
            let key = key(name).ok_or_else(|| self.refuse(format!("{name} is no key.")))?;
            let is_set = |variable: &str| {
                !variable.is_empty() && std::env::var_os(variable).is_some_and(|value| !value.is_empty())
            };
            if !keys.contains_key(key.name) && !is_set(&key.variable()) && !is_set(key.azure_variable) {
                keys.insert(key.name, text.clone());
            }
        }
        let common = config(&keys)?;
        let plan =
            Plan::take(&mut self.own.clone(), &common).map_err(|what| self.refuse(format!("{what}.")))?;
        Ok((plan, common))
    }

    fn text(&self, name: &str) -> Result<Option<Zeroizing<String>>, Failure> {
        let value = self.options.get(name).or_else(|| self.options.get(&name.replace('-', "_")));
        match value {
            None => Ok(None),
            Some(ServiceValue::Text(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.refuse(format!("{name} must be a text."))),
        }
    }

    /// Where Azure is: what is typed or a variable says, else what the file says.
    pub(crate) fn azure(&self, given: &AzureArguments) -> Result<AzureArguments, Failure> {
        let or_file = |typed: &Option<String>, name| match typed {
            Some(typed) => Ok(Some(typed.clone())),
            None => Ok::<_, Failure>(self.text(name)?.map(|text| text.to_string())),
        };
        Ok(AzureArguments {
            graph_endpoint: or_file(&given.graph_endpoint, "graph-endpoint")?,
            arm_endpoint: or_file(&given.arm_endpoint, "arm-endpoint")?,
        })
    }

    /// The options of `serve`, with what the file says where nothing was typed and no variable is set.
    pub(super) fn serve_arguments(&self) -> Result<ServeArguments, Failure> {
        self.arguments_of(std::env::args_os())
    }

    /// The same where nothing was typed for it: in the agent's process.
    pub(crate) fn untyped_arguments(&self) -> Result<ServeArguments, Failure> {
        self.arguments_of([NAME_OF_ALL, NAME, SERVE].map(OsString::from))
    }

    fn arguments_of(&self, line: impl IntoIterator<Item = OsString>) -> Result<ServeArguments, Failure> {
        let command = crate::command();
        let serve = command
            .find_subcommand(NAME)
            .and_then(|leases| leases.find_subcommand(SERVE))
            .unwrap_or(&command);
        let given = settings::options(serve, &self.options, &[], &self.path)?;
        let again = crate::command().mut_subcommand(NAME, |leases| {
            leases.mut_subcommand(SERVE, |serve| settings::with_file(serve, &given))
        });
        let matches =
            again.try_get_matches_from(line).map_err(|error| self.refuse(settings::unfit(&error)))?;
        let own = matches.subcommand_matches(NAME).and_then(|leases| leases.subcommand_matches(SERVE));
        let own = own.ok_or_else(|| self.refuse("the order is not in the command line."))?;
        ServeArguments::from_arg_matches(own).map_err(|error| self.refuse(settings::unfit(&error)))
    }
}

/// Which database: what is typed or a variable says, what the file says, or a file beside the service.
pub(crate) fn place(given: &PlaceArguments, file: Option<&File>) -> Result<Place, Failure> {
    let of_file = file.map(|file| file.text("database")).transpose()?.flatten();
    let database = given.database.clone().map(Zeroizing::new).or(of_file);
    let Some(database) = database else {
        let folder = std::env::var_os("STATE_DIRECTORY").filter(|folder| !folder.is_empty());
        return Ok(Place::File(folder.map(PathBuf::from).unwrap_or_default().join("leases.db")));
    };
    let is_server = ["postgresql://", "postgres://"].iter().any(|scheme| database.starts_with(scheme));
    match is_server {
        true => Ok(Place::Server(database, Some(Arc::new(super::open::tls()?)))),
        false => Ok(Place::File(PathBuf::from(database.as_str()))),
    }
}
