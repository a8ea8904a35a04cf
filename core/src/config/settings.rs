//! What a provider runs with: every value typed, completed and validated.

use super::config::Config;
use super::environment::Environment;
use super::file::{self, FileValues};
use super::identity::IdentityChoice;
use super::keys::{CONFIG_ENTRY, CONFIG_FILE};
use super::proxy::Proxies;
use super::trust_paths::TrustPaths;
use super::value::{Origin, Value};
use super::values::Values;
use super::variables::KUBERNETES_SERVICE_HOST;
use crate::claims::is_username;
use crate::error::{Error, Result};
use crate::refresh::Policy;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Everything that a provider was made with. Immutable: a forked child starts from the same settings.
pub(crate) struct Settings {
    /// A label for metrics.
    pub(crate) name: Option<String>,
    /// Whether this process runs in a Kubernetes pod.
    pub(crate) on_kubernetes: bool,
    pub(crate) identity: IdentityChoice,
    pub(crate) scope: String,
    pub(crate) username: Option<String>,
    pub(crate) username_claim: String,
    pub(crate) ca_file: Option<CaFile>,
    pub(crate) trust: TrustPaths,
    pub(crate) proxies: Proxies,
    /// What every request begins from.
    pub(crate) http: ureq::config::Config,
    /// Sentences about variables that look like one that is read, for an error: empty if there is none.
    pub(crate) misspelt: String,
    /// The environment of the tools that are started (az, azd), as it was when the provider was made.
    pub(crate) children_see: Vec<(OsString, OsString)>,
    pub(crate) get_token_timeout: Duration,
    pub(crate) policy: Policy,
}

/// Certificate authorities to trust besides the system's.
pub(crate) struct CaFile {
    pub(crate) path: PathBuf,
    /// The key and what set it, for an error about the file.
    pub(crate) label: String,
}

impl CaFile {
    fn new(value: Value<'_>) -> Self {
        Self { path: PathBuf::from(value.text), label: value.label() }
    }
}

impl Settings {
    /// The secrets in the configuration, which no text may show. Whoever reads a secret from a file hides it itself.
    pub(crate) fn secrets(&self) -> Vec<&str> {
        self.identity.secrets().into_iter().chain(self.proxies.password()).collect()
    }

    /// Code first, then `ENTRAKEY_<KEY>`, then Azure's variable, then the file, then the default.
    pub(crate) fn resolve(config: &Config, environment: Environment) -> Result<Self> {
        let misspelt = environment.misspelt.clone();
        Self::resolve_of(config, environment).map_err(|error| error.with_sentence(&misspelt))
    }

    fn resolve_of(config: &Config, environment: Environment) -> Result<Self> {
        let file = from_file(config, &environment)?;
        let values = Values { config, environment: &environment, file: &file };
        let (identity, proxies) = (IdentityChoice::resolve(&values)?, Proxies::resolve(&values)?);
        identity.addresses().into_iter().try_for_each(|address| proxies.check(address))?;
        let starts_tools = identity.starts_tools();
        Ok(Self {
            name: values.text("name")?.map(str::to_owned),
            on_kubernetes: environment.get(KUBERNETES_SERVICE_HOST).is_some(),
            identity,
            scope: values.required("scope", "")?.text.to_owned(),
            username: values.value("username")?.map(username).transpose()?,
            username_claim: values.required("username_claim", "")?.text.to_owned(),
            ca_file: values.value("ca_file")?.map(CaFile::new),
            get_token_timeout: values.millis("get_token_timeout_ms")?,
            policy: policy(&values)?,
            trust: environment.trust,
            proxies,
            misspelt: environment.misspelt,
            http: http_config(),
            children_see: if starts_tools { environment.all } else { Vec::new() },
        })
    }
}

/// How every request is made. Called when a provider is made, on the caller's thread: ureq reads the proxy variables even
/// for a configuration without a proxy.
fn http_config() -> ureq::config::Config {
    ureq::Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .max_idle_connections(0)
        .build()
}

/// What the configuration file says, if there is one. The file is read here and never again.
pub(super) fn from_file(config: &Config, environment: &Environment) -> Result<FileValues> {
    let none = FileValues::default();
    let values = Values { config, environment, file: &none };
    match (values.text(CONFIG_FILE)?, values.text(CONFIG_ENTRY)?) {
        (Some(path), entry) => {
            file::read(path, entry, environment).map_err(|error| with_variables(&values, error))
        }
        (None, Some(_)) => Err(values.missing(CONFIG_FILE, "config_entry names an entry of it")),
        (None, None) => Ok(none),
    }
}

/// The error about a file, with the variables that chose it.
fn with_variables(values: &Values<'_>, error: Error) -> Error {
    let chosen = [CONFIG_FILE, CONFIG_ENTRY].into_iter().filter_map(|key| values.value(key).ok().flatten());
    let of_variables = chosen.filter(|value| value.origin == Origin::OurVariable).map(|value| value.label());
    match of_variables.collect::<Vec<_>>().as_slice() {
        [] => error,
        labels => error.with_sentence(&format!("What is meant is said by {}.", labels.join(" and "))),
    }
}

fn username(value: Value<'_>) -> Result<String> {
    if !is_username(value.text) {
        return Err(Error::invalid_config(format!(
            "{} must be what Redis knows the user by, the object id of the identity: 200 characters at most, no blanks, \
             and none that cannot be seen.",
            value.label()
        )));
    }
    Ok(value.text.to_owned())
}

fn policy(values: &Values<'_>) -> Result<Policy> {
    let policy = Policy {
        refresh_ratio: values.fraction("refresh_ratio")?,
        refresh_jitter: values.fraction("refresh_jitter")?,
        lower_bound: values.millis("refresh_lower_bound_ms")?,
        min_interval: values.millis("min_request_interval_ms")?,
        retry_initial: values.millis("retry_initial_ms")?,
        retry_max: values.millis("retry_max_ms")?,
        request_timeout: values.millis("request_timeout_ms")?,
        get_token_timeout: values.millis("get_token_timeout_ms")?,
        reauth_margin: values.millis("reauth_margin_ms")?,
        reauth_spread: values.fraction("reauth_spread")?,
        min_validity: values.millis("min_validity_ms")?,
    };
    if policy.refresh_ratio <= 0.0 {
        return Err(Error::invalid_config(format!(
            "{} must be more than 0: a token would be replaced the moment it came.",
            values.label("refresh_ratio")?
        )));
    }
    if policy.lower_bound < policy.reauth_margin + policy.request_timeout {
        return Err(Error::invalid_config(format!(
            "{} must be {} and {} together at least: a token has to be there before connections can be told of it.",
            values.label_with_text("refresh_lower_bound_ms")?,
            values.label_with_text("reauth_margin_ms")?,
            values.label_with_text("request_timeout_ms")?
        )));
    }
    if policy.retry_max < policy.retry_initial {
        let (most, least) =
            (values.label_with_text("retry_max_ms")?, values.label_with_text("retry_initial_ms")?);
        return Err(Error::invalid_config(format!("{most} must not be less than {least}.")));
    }
    Ok(policy)
}
