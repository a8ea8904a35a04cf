//! What a configuration comes to, for a person who looks for a mistake in it: each value and where it came from.

use super::clouds;
use super::config::Config;
use super::environment::Environment;
use super::identity::{IdentityChoice, Proof, SingleIdentity};
use super::keys::KEYS;
use super::settings::{Settings, from_file};
use super::value::{Origin, Value};
use super::values::Values;
use crate::error::Result;

/// What a configuration comes to. It holds no secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConfigReport {
    /// The values that somebody has set, and that count.
    pub values: Vec<ReportedValue>,
    /// Who is asked for tokens: `system-assigned managed identity of IMDS`.
    pub identity: String,
    /// Entra's address.
    pub authority: String,
    /// Which of Microsoft's clouds: what the key `cloud` takes.
    pub cloud: String,
    /// Whether this process runs in a Kubernetes pod.
    pub on_kubernetes: bool,
}

/// One value of a configuration.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReportedValue {
    /// The key.
    pub key: &'static str,
    /// Its text, unless that is a secret or looks like none of an id, a number, a name, a path or an address.
    pub text: Option<String>,
    /// Where it came from: `environment variable AZURE_CLIENT_ID`.
    pub origin: String,
}

impl Config {
    /// What this configuration and the environment come to, as [`crate::Provider::new`] would take them. Reads the
    /// environment, on this thread and only now; does no network I/O.
    ///
    /// # Errors
    /// `INVALID_CONFIG`, as [`crate::Provider::new`].
    pub fn report(&self) -> Result<ConfigReport> {
        self.report_with(Environment::read, Environment::read())
    }

    /// `environment` makes one more of the same: settings use theirs up.
    fn report_with(
        &self,
        environment: impl FnOnce() -> Environment,
        used_up: Environment,
    ) -> Result<ConfigReport> {
        let settings = Settings::resolve(self, used_up)?;
        let environment = environment();
        let file = from_file(self, &environment)?;
        let values = Values { config: self, environment: &environment, file: &file };
        let counting = counting_values(&settings.identity, &values)?;
        let reported = counting.iter().map(reported_value).collect();
        let cloud = values.text("cloud")?.unwrap_or_default();
        let authority =
            values.text("authority_host")?.or_else(|| clouds::authority(cloud)).unwrap_or_default();
        Ok(ConfigReport {
            values: reported,
            identity: settings.identity.describe(),
            authority: authority.trim_end_matches('/').to_owned(),
            cloud: cloud.to_owned(),
            on_kubernetes: settings.on_kubernetes,
        })
    }
}

/// The values that somebody has set, and that count for this identity.
pub(super) fn counting_values<'a>(identity: &IdentityChoice, values: &Values<'a>) -> Result<Vec<Value<'a>>> {
    let mut counting = Vec::new();
    for key in KEYS {
        let value = match reads_azures_variable(identity, key.name) {
            true => values.value(key.name)?,
            false => values.value_without_azure(key.name)?,
        };
        counting.extend(value.filter(|value| value.is_set() && counts(value)));
    }
    Ok(counting)
}

fn reported_value(value: &Value<'_>) -> ReportedValue {
    ReportedValue {
        key: value.key.name,
        text: value.presentable_text().map(str::to_owned),
        origin: value.to_string(),
    }
}

/// An empty text in code sets nothing that counts.
fn counts(value: &Value<'_>) -> bool {
    value.origin != Origin::Code || !value.text.is_empty()
}

/// Whether the identity reads Azure's own variable for the key. A service principal's ids are nothing to a managed identity
/// or to who is signed in to a tool, and a pipeline's task has variables of its own.
fn reads_azures_variable(identity: &IdentityChoice, key: &str) -> bool {
    const OF_A_PRINCIPAL: [&str; 7] = [
        "tenant_id",
        "client_id",
        "client_secret",
        "certificate_path",
        "certificate_password",
        "federated_token_file",
        "send_certificate_chain",
    ];
    match identity {
        IdentityChoice::Chain(_) => true,
        IdentityChoice::Single(SingleIdentity::Application(application)) => {
            !matches!(application.proof, Proof::Pipelines(_)) || !["tenant_id", "client_id"].contains(&key)
        }
        IdentityChoice::Single(_) | IdentityChoice::Custom(_) => !OF_A_PRINCIPAL.contains(&key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(code: &[(&str, &str)], variables: &[(&str, &str)]) -> ConfigReport {
        let mut config = Config::new();
        code.iter().for_each(|(key, value)| config.set(key, value).unwrap());
        let environment = || {
            let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            Environment::of(variables)
        };
        config.report_with(environment, environment()).unwrap()
    }

    #[test]
    fn each_value_says_where_it_came_from_and_no_secret_is_told() {
        let variables = [
            ("AZURE_TENANT_ID", "t.example"),
            ("ENTRAKEY_CLIENT_ID", "app"),
            ("AZURE_CLIENT_ID", "other"),
            ("AZURE_CLIENT_SECRET", "hunter2"),
        ];
        let report = report(&[("identity", "service_principal")], &variables);
        let told: Vec<_> = report
            .values
            .iter()
            .map(|value| (value.key, value.text.as_deref(), value.origin.as_str()))
            .collect();
        let expected = [
            ("identity", Some("service_principal"), "set in code"),
            ("tenant_id", Some("t.example"), "environment variable AZURE_TENANT_ID"),
            ("client_id", Some("app"), "environment variable ENTRAKEY_CLIENT_ID"),
            ("client_secret", None, "environment variable AZURE_CLIENT_SECRET"),
        ];
        assert_eq!(told, expected);
        assert_eq!(report.authority, "https://login.microsoftonline.com");
        assert!(!format!("{report:?}").contains("hunter2"));
    }

    #[test]
    fn a_program_may_have_a_name_of_its_own_for_what_it_sets() {
        let mut config = Config::new().called("given to the command");
        config.set("identity", "managed_identity").unwrap();
        let environment = || Environment::of([]);
        let report = config.report_with(environment, environment()).unwrap();
        assert_eq!(report.values[0].origin, "given to the command");
    }

    #[test]
    fn a_variable_that_the_identity_does_not_read_is_not_told_as_if_it_counted() {
        let variables = [("AZURE_CLIENT_ID", "some-app"), ("KUBERNETES_SERVICE_HOST", "10.0.0.1")];
        let report = report(&[("identity", "managed_identity"), ("cloud", "china")], &variables);
        assert!(report.values.iter().all(|value| value.key != "client_id"), "{report:?}");
        assert!(report.identity.starts_with("system-assigned managed identity"), "{report:?}");
        assert!(report.on_kubernetes && report.authority == "https://login.partner.microsoftonline.cn");
    }
}
