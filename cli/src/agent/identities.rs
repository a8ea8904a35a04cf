//! Whose tokens the agent has: entries of a secret store, tables of keys, or one identity from options and variables.

use super::file::File;
use crate::failure::Failure;
use crate::identity::{Keys, config, is_set, key};
use entrakey_agent::IdentityPlan;
use entrakey_core::{Config, ServiceValue, read_store_entries};
use entrakey_service::Table;
use std::path::Path;

/// The id of the only one.
pub(super) const DEFAULT: &str = "default";

/// Clients keep tokens too, and renew when little is left of what they got: the agent has another one by then.
const REFRESH_RATIO: (&str, &str) = ("refresh_ratio", "0.5");

/// Keys that say who somebody is. With several identities they cannot be said of all.
const OF_ONE: [&str; 25] = [
    "identity",
    "tenant_id",
    "client_id",
    "object_id",
    "resource_id",
    "client_secret",
    "client_secret_path",
    "federated_token_file",
    "client_assertion_path",
    "service_connection_id",
    "system_access_token",
    "oidc_request_uri",
    "azure_cli_subscription",
    "token_file_path",
    "certificate_path",
    "private_key_path",
    "certificate",
    "private_key",
    "certificate_password",
    "send_certificate_chain",
    "certificate_thumbprint",
    "username",
    "name",
    "config_file",
    "config_entry",
];

/// What identities are made from.
pub(super) struct Sources<'a> {
    /// A secret store's file.
    pub(super) store: Option<&'a Path>,
    pub(super) file: Option<&'a File>,
    /// Keys that were typed.
    pub(super) typed: &'a Keys,
}

impl Sources<'_> {
    pub(super) fn identities(&self) -> Result<Vec<IdentityPlan>, Failure> {
        let tables = self.file.map_or(&[][..], |file| &file.identities);
        if self.store.is_none() && tables.is_empty() {
            return Ok(vec![plan(DEFAULT, true, self.common(|_| true)?)?]);
        }
        self.forbid_one_for_all()?;
        let common = self.common(|name| !OF_ONE.contains(&name))?;
        let mut plans = Vec::new();
        if let Some(path) = self.store {
            plans.extend(of_store(path, &common)?);
        }
        for (id, table) in tables {
            plans.push(self.of_table(id, table, &common)?);
        }
        Ok(plans)
    }

    /// Keys that were typed, and those of the file for all.
    fn common(&self, counts: impl Fn(&str) -> bool) -> Result<Config, Failure> {
        let Some(file) = self.file else { return Ok(config(self.typed)?) };
        for (name, value) in &file.keys {
            let (name, _) = file.key(name, value)?;
            if !counts(name) {
                return Err(file.refuse(format!(
                    "{name} says who somebody is: with several identities put it into the table of one of them."
                )));
            }
        }
        file.config(self.typed)
    }

    /// Core takes what is typed and what a variable says for every identity.
    fn forbid_one_for_all(&self) -> Result<(), Failure> {
        let refuse = |what: String| {
            Err(Failure::usage(format!(
                "{what} says who somebody is, and so do the agent's files, of several: leave it out there or here."
            )))
        };
        for name in OF_ONE {
            if self.typed.contains_key(name) {
                return refuse(format!("The option for {name}"));
            }
            if let Some(key) = key(name).filter(|key| is_set(&key.variable())) {
                return refuse(format!("The variable {}", key.variable()));
            }
        }
        Ok(())
    }

    fn of_table(&self, id: &str, table: &Table, common: &Config) -> Result<IdentityPlan, Failure> {
        let (mut config, mut is_default) = (common.clone(), false);
        for (name, value) in table {
            let file = self.file.ok_or_else(|| Failure::usage("The file is gone."))?;
            if name == DEFAULT {
                let said = match value {
                    ServiceValue::Text(text) => text.parse().ok(),
                    _ => None,
                };
                let no_answer = || file.refuse(format!("identities: {id}: default must be true or false."));
                is_default = said.ok_or_else(no_answer)?;
                continue;
            }
            let (name, text) = file.key(name, value)?;
            config.set(name, &text)?;
        }
        plan(id, is_default, config)
    }
}

fn of_store(path: &Path, common: &Config) -> Result<Vec<IdentityPlan>, Failure> {
    let path = path.to_str().ok_or_else(|| Failure::usage("--secrets: its name must be UTF-8"))?;
    let entries = read_store_entries(path)?;
    let plans = entries.into_iter().map(|entry| {
        let mut config = common.clone();
        config.set("config_file", path)?;
        config.set("config_entry", &entry.id)?;
        plan(&entry.id, entry.is_default, config)
    });
    plans.collect()
}

fn plan(id: &str, is_default: bool, mut config: Config) -> Result<IdentityPlan, Failure> {
    if config.effective()?.get(REFRESH_RATIO.0).is_none() {
        config.set(REFRESH_RATIO.0, REFRESH_RATIO.1)?;
    }
    Ok(IdentityPlan { id: id.to_owned(), is_default, config })
}
