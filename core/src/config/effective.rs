//! What a configuration comes to, for a comparison with another one.

use super::config::Config;
use super::environment::Environment;
use super::keys::{CONFIG_ENTRY, CONFIG_FILE};
use super::report::counting_values;
use super::settings::{Settings, from_file};
use super::values::Values;
use crate::error::Result;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Every value that counts, wherever it came from. Two that are equal make providers that do the same. It has no `Debug`:
/// some of it is secret. Callbacks are not among it.
#[derive(Clone, PartialEq, Eq)]
pub struct EffectiveConfig {
    values: BTreeMap<&'static str, Zeroizing<String>>,
    is_entry: bool,
}

impl Config {
    /// What this configuration, its file and the environment come to, as [`crate::Provider::new`] would take them now. Reads
    /// the environment, on this thread and only now; does no network I/O. A service that reads its file again keeps the
    /// providers for which this is the same.
    ///
    /// # Errors
    /// `INVALID_CONFIG`, as [`crate::Provider::new`].
    pub fn effective(&self) -> Result<EffectiveConfig> {
        self.effective_with(Environment::read, Environment::read())
    }

    /// `environment` makes one more of the same: settings use theirs up.
    fn effective_with(
        &self,
        environment: impl FnOnce() -> Environment,
        used_up: Environment,
    ) -> Result<EffectiveConfig> {
        let settings = Settings::resolve(self, used_up)?;
        let environment = environment();
        let file = from_file(self, &environment)?;
        let values = Values { config: self, environment: &environment, file: &file };
        let counting = counting_values(&settings.identity, &values)?;
        // Which file it was says nothing beyond what is in it.
        let counting = counting.iter().filter(|value| ![CONFIG_FILE, CONFIG_ENTRY].contains(&value.key.name));
        let values = counting.map(|value| (value.key.name, Zeroizing::new(value.text.to_owned())));
        Ok(EffectiveConfig { values: values.collect(), is_entry: file.is_entry })
    }
}

impl EffectiveConfig {
    /// The value of a key, if somebody has set it. It may be a secret.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|value| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::tests::Written;
    use super::*;

    fn effective(code: &[(&str, &str)], variables: &[(&str, &str)]) -> EffectiveConfig {
        let mut config = Config::new();
        code.iter().for_each(|(key, value)| config.set(key, value).unwrap());
        let environment = || {
            let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            Environment::of(owned)
        };
        config.effective_with(environment, environment()).unwrap()
    }

    const APPLICATION: &[(&str, &str)] =
        &[("identity", "service_principal"), ("tenant_id", "t"), ("client_id", "c"), ("client_secret", "s")];

    #[test]
    fn what_a_services_file_says_gives_way_to_the_variables_that_the_identity_reads_and_to_no_others() {
        let client = |code: &[(&str, &str)], variables: &[(&str, &str)]| {
            let mut config = Config::new();
            code.iter().for_each(|(key, value)| config.set(key, value).unwrap());
            config.set_in_file("client_id", "of-file", "here").unwrap();
            let environment = || {
                let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
                Environment::of(owned)
            };
            let effective = config.effective_with(environment, environment()).unwrap();
            effective.get("client_id").unwrap().to_owned()
        };
        const MANAGED: &[(&str, &str)] = &[("identity", "managed_identity")];
        assert_eq!(client(MANAGED, &[("AZURE_CLIENT_ID", "somebody-elses")]), "of-file");
        assert_eq!(client(MANAGED, &[("ENTRAKEY_CLIENT_ID", "ours")]), "ours");
        assert_eq!(client(APPLICATION, &[]), "c", "code wins");
        let without_id = [APPLICATION[0], APPLICATION[1], APPLICATION[3]];
        assert_eq!(client(&without_id, &[("AZURE_CLIENT_ID", "azures")]), "azures");
        assert_eq!(client(&without_id, &[]), "of-file");
    }

    #[test]
    fn the_same_values_are_the_same_wherever_they_come_from() {
        let typed = effective(APPLICATION, &[]);
        let variables = [
            ("ENTRAKEY_IDENTITY", "service_principal"),
            ("AZURE_TENANT_ID", "t"),
            ("AZURE_CLIENT_ID", "c"),
            ("AZURE_CLIENT_SECRET", "s"),
        ];
        assert!(typed == effective(&[], &variables));
        for (key, other) in
            [("client_secret", "another"), ("scope", "https://other/.default"), ("ca_file", "/x")]
        {
            assert!(typed != effective(&[APPLICATION, &[(key, other)]].concat(), &[]), "{key}");
        }
        let managed = &[("identity", "managed_identity")];
        assert_eq!(effective(managed, &[("AZURE_CLIENT_ID", "somebody")]).get("client_id"), None);
        assert!(effective(managed, &[]) == effective(managed, &[("AZURE_CLIENT_ID", "somebody")]));
    }

    #[test]
    fn an_entry_that_stands_in_another_file_is_the_same_and_one_whose_variable_changed_is_not() {
        let text = "- {id: a, type: AzureEntraIdAuth, details: {auth: {clientID: \"${APP}\"}}}\n";
        let (one, two) = (Written::new("one.yaml", text), Written::new("two.yaml", text));
        let of = |file: &Written, app: &str| effective(&[("config_file", file.path())], &[("APP", app)]);
        assert!(of(&one, "c") == of(&two, "c"));
        assert!(of(&one, "c") != of(&one, "d"));
        let by_key = effective(&[("identity", "managed_identity"), ("client_id", "c")], &[]);
        assert!(of(&one, "c") != by_key, "Azure's variables are kept out of an entry");
    }
}
