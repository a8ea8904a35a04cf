//! What a provider runs with: every value typed, completed and validated.

use super::Config;
use super::choice::IdentityChoice;
use super::environment::{Environment, KUBERNETES, TrustPaths};
use super::file;
use super::keys::{CONFIG_ENTRY, CONFIG_FILE};
use super::proxy::Proxies;
use super::values::{Given, Source, Values, invalid};
use crate::claims::is_username;
use crate::error::{Error, Result};
use crate::refresh::Policy;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Everything that a provider was made with. Immutable; a forked child starts from the same.
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
    /// The environment of the tools that are started (az, azd), as it was when the provider was made.
    pub(crate) children_see: Vec<(OsString, OsString)>,
    pub(crate) get_token_timeout: Duration,
    pub(crate) policy: Policy,
}

/// Certificate authorities to trust besides the system's.
pub(crate) struct CaFile {
    pub(crate) path: PathBuf,
    /// What says so, for an error about it.
    pub(crate) named: String,
}

fn ca_file(given: Given<'_>) -> CaFile {
    CaFile { path: PathBuf::from(given.text), named: given.named() }
}

impl Settings {
    /// What no text may show of what is configured. What is read from files is known to those who read it.
    pub(crate) fn secrets(&self) -> Vec<&str> {
        self.identity.secrets().into_iter().chain(self.proxies.password()).collect()
    }

    /// Code first, then `ENTRAKEY_<KEY>`, then Azure's variable, then the file, then the default.
    pub(crate) fn resolve(config: &Config, environment: Environment) -> Result<Self> {
        let file = from_file(config, &environment)?;
        let values = Values { config, environment: &environment, file: &file };
        let (identity, proxies) = (IdentityChoice::resolve(&values)?, Proxies::resolve(&values)?);
        let starts_tools = identity.starts_tools();
        Ok(Self {
            name: values.text("name")?.map(str::to_owned),
            on_kubernetes: environment.get(KUBERNETES).is_some(),
            identity,
            scope: values.required("scope", "")?.to_owned(),
            username: values.given("username")?.map(username).transpose()?,
            username_claim: values.required("username_claim", "")?.to_owned(),
            ca_file: values.given("ca_file")?.map(ca_file),
            get_token_timeout: values.millis("get_token_timeout_ms")?,
            policy: policy(&values)?,
            trust: environment.trust,
            proxies,
            http: crate::transport::base_config(),
            children_see: if starts_tools { environment.all } else { Vec::new() },
        })
    }
}

/// What the configuration file says, if there is one. It is read here and never again.
fn from_file(config: &Config, environment: &Environment) -> Result<Config> {
    let none = Config::new();
    let values = Values { config, environment, file: &none };
    match (values.text(CONFIG_FILE)?, values.text(CONFIG_ENTRY)?) {
        (Some(path), entry) => file::read(path, entry, environment).map_err(|error| named_by(&values, error)),
        (None, Some(_)) => Err(values.missing(CONFIG_FILE, "config_entry names an entry of it")),
        (None, None) => Ok(none),
    }
}

/// The error about a file, with the variables that chose it.
fn named_by(values: &Values<'_>, error: Error) -> Error {
    let given = [CONFIG_FILE, CONFIG_ENTRY].into_iter().filter_map(|key| values.given(key).ok().flatten());
    let of_variables = given.filter(|given| given.source == Some(Source::Ours)).map(|given| given.named());
    match of_variables.collect::<Vec<_>>().as_slice() {
        [] => error,
        named => error.with_sentence(&format!("What is meant is said by {}.", named.join(" and "))),
    }
}

fn username(given: Given<'_>) -> Result<String> {
    if !is_username(given.text) {
        return Err(invalid(format!(
            "{} must be what Redis knows the user by, the object id of the identity: 200 characters at most, no blanks, \
             and none that cannot be seen.",
            given.named()
        )));
    }
    Ok(given.text.to_owned())
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
        return Err(invalid(format!(
            "{} must be more than 0: a token would be replaced the moment it came.",
            values.named("refresh_ratio")?
        )));
    }
    if policy.lower_bound < policy.reauth_margin + policy.request_timeout {
        return Err(invalid(format!(
            "{} must be {} and {} together at least: a token has to be there before connections can be told of it.",
            values.shown("refresh_lower_bound_ms")?,
            values.shown("reauth_margin_ms")?,
            values.shown("request_timeout_ms")?
        )));
    }
    if policy.retry_max < policy.retry_initial {
        let (most, least) = (values.shown("retry_max_ms")?, values.shown("retry_initial_ms")?);
        return Err(invalid(format!("{most} must not be less than {least}.")));
    }
    Ok(policy)
}
