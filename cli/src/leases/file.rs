//! The configuration file of `entrakey leases`: options by their names, what leases can be made of, and under `entrakey` the
//! keys that hold for all identities.

use super::arguments::{AzureArguments, PlaceArguments, ServeArguments};
use super::{NAME, SERVE};
use crate::failure::Failure;
use crate::identity::Keys;
use crate::manual::NAME as NAME_OF_ALL;
use crate::service::{OperationArguments, ServiceFile, table};
use crate::settings;
use clap::{Args as _, Command};
use entrakey_core::{Config, ServiceValue};
use entrakey_leases::{Place, Plan};
use entrakey_service::Table;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// What is in it.
pub(crate) struct File {
    file: ServiceFile,
    keys: Table,
    own: Table,
}

const KEYS: &str = "entrakey";
const DATABASE: &str = "database";
/// What is no option.
const OWN: [&str; 10] = [
    "installation",
    "keep",
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
        Self::of_either(ServiceFile::read(path)?)
    }

    /// Of the file only which database: no variable need be set that is for Azure.
    pub(super) fn read_database(path: &Path) -> Result<Self, Failure> {
        Self::of_either(ServiceFile::read_settings(path, &[DATABASE, &format!("{NAME}.{DATABASE}")])?)
    }

    /// The file is of leases, or the agent's.
    fn of_either(mut file: ServiceFile) -> Result<Self, Failure> {
        match Self::inside(&mut file)? {
            Some(of_agent) => Ok(of_agent),
            None => Self::of(file),
        }
    }

    /// What the agent's file says of leases in its process, if it has a table of them, which is gone from it then.
    pub(crate) fn inside(file: &mut ServiceFile) -> Result<Option<Self>, Failure> {
        file.take_file(NAME)?.map(Self::of).transpose()
    }

    fn of(mut file: ServiceFile) -> Result<Self, Failure> {
        let keys = file.take(KEYS).map_or_else(|| Some(Table::new()), table);
        let keys = keys.ok_or_else(|| file.refuse(format!("\"{KEYS}\" must be a table of keys.")))?;
        let own = OWN.iter().filter_map(|name| Some(((*name).to_owned(), file.take(name)?))).collect();
        Ok(Self { file, keys, own })
    }

    /// Whether the other one says the same.
    pub(crate) fn is_as(&self, other: &Self) -> bool {
        (&self.file.options, &self.keys, &self.own) == (&other.file.options, &other.keys, &other.own)
    }

    pub(crate) fn refuse(&self, what: impl AsRef<str>) -> Failure {
        self.file.refuse(what)
    }

    /// What leases can be made of. `typed` are keys of the command line.
    pub(crate) fn plan(&self, typed: &Keys) -> Result<(Plan, Config), Failure> {
        let common = self.file.config(typed, &self.keys)?;
        let plan =
            Plan::take(&mut self.own.clone(), &common).map_err(|what| self.refuse(format!("{what}.")))?;
        Ok((plan, common))
    }

    fn text(&self, name: &str) -> Result<Option<Zeroizing<String>>, Failure> {
        let value = self.file.options.get(name).or_else(|| self.file.options.get(&name.replace('-', "_")));
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

    /// The same where nothing was typed for it: in the agent's process, whose operation is the agent's.
    pub(crate) fn untyped_arguments(&self) -> Result<ServeArguments, Failure> {
        let of_process = OperationArguments::augment_args(Command::new(SERVE));
        if let Some(name) = self.file.options.keys().find(|name| settings::is_option(&of_process, name)) {
            return Err(
                self.refuse(format!("{name} holds for the whole process: put it at the top of the file."))
            );
        }
        self.arguments_of([NAME_OF_ALL, NAME, SERVE].map(OsString::from))
    }

    fn arguments_of(&self, line: impl IntoIterator<Item = OsString>) -> Result<ServeArguments, Failure> {
        const WAY: [&str; 2] = [NAME, SERVE];
        let serve = ServiceFile::command(&WAY);
        let given = settings::options(&serve, &self.file.options, &[], self.file.path())?;
        self.file.arguments(&self.file.matches_of(line, &WAY, &given)?)
    }
}

/// Which database: what is typed or a variable says, what the file says, or a file beside the service.
pub(crate) fn place(given: &PlaceArguments, file: Option<&File>) -> Result<Place, Failure> {
    let of_file = file.map(|file| file.text(DATABASE)).transpose()?.flatten();
    let database = given.database.clone().map(Zeroizing::new).or(of_file);
    let Some(database) = database else {
        let folder = std::env::var_os("STATE_DIRECTORY").filter(|folder| !folder.is_empty());
        return Ok(Place::File(folder.map(PathBuf::from).unwrap_or_default().join("leases.db")));
    };
    let is_server = ["postgresql://", "postgres://"].iter().any(|scheme| database.starts_with(scheme));
    // As a file's name it would be shown in errors, and a password with it.
    if !is_server && (database.contains("://") || database.contains("password=")) {
        return Err(Failure::usage(
            "--database: it is neither a file nor postgresql://USER@HOST/NAME. It is not shown here, as it may have a password \
             in it.",
        ));
    }
    match is_server {
        true => Ok(Place::Server(database, Some(Arc::new(super::open::tls()?)))),
        false => Ok(Place::File(PathBuf::from(database.as_str()))),
    }
}
