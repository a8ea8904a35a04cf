//! What a provider runs with: every value typed, completed and validated.

use super::Config;
use super::choice::IdentityChoice;
use super::environment::{Environment, KUBERNETES, TrustPaths};
use super::keys::{KEYS, Key, find};
use super::proxy;
use crate::error::{Error, ErrorKind, Result};
use crate::refresh::Policy;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;
use ureq::http::Uri;

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
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) trust: TrustPaths,
    pub(crate) proxy: Option<ureq::Proxy>,
    /// The environment of the tools that are started (az, azd), as it was when the provider was made.
    pub(crate) children_see: Vec<(OsString, OsString)>,
    pub(crate) get_token_timeout: Duration,
    pub(crate) policy: Policy,
}

impl Settings {
    /// Code first, then `ENTRAKEY_<KEY>`, then Azure's variable, then the default.
    pub(crate) fn resolve(config: &Config, environment: Environment) -> Result<Self> {
        let values = Values { config, environment: &environment };
        let (identity, proxy) = (IdentityChoice::resolve(&values)?, proxy::resolve(&values)?);
        Ok(Self {
            name: values.text("name")?.map(str::to_owned),
            on_kubernetes: environment.get(KUBERNETES).is_some(),
            identity,
            scope: values.required("scope", "")?.to_owned(),
            username: values.text("username")?.map(str::to_owned),
            username_claim: values.required("username_claim", "")?.to_owned(),
            ca_file: values.text("ca_file")?.map(PathBuf::from),
            get_token_timeout: values.millis("get_token_timeout_ms")?,
            policy: policy(&values)?,
            trust: environment.trust,
            proxy,
            children_see: environment.all,
        })
    }
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
        return Err(invalid(
            "refresh_ratio must be more than 0: a token would be replaced the moment it came.",
        ));
    }
    if policy.lower_bound < policy.reauth_margin + policy.request_timeout {
        return Err(invalid(
            "refresh_lower_bound_ms must be reauth_margin_ms and request_timeout_ms together at least: a token \
             has to be there before connections can be told of it.",
        ));
    }
    if policy.retry_max < policy.retry_initial {
        return Err(invalid("retry_max_ms must not be less than retry_initial_ms."));
    }
    Ok(policy)
}

/// Where values come from, in order.
pub(super) struct Values<'a> {
    pub(super) config: &'a Config,
    pub(super) environment: &'a Environment,
}

impl<'a> Values<'a> {
    fn look_up(&self, key: &'static Key, azure: bool) -> Result<Option<&'a str>> {
        if let Some(value) = self.config.get(key.name) {
            return Ok(Some(value)); // checked when it was set
        }
        let variable = key.variable();
        let from_azure = || azure.then(|| self.environment.get(key.azure_variable)).flatten();
        let (name, value) = match (self.environment.get(&variable), from_azure()) {
            (Some(value), _) => (variable.as_str(), value),
            (None, Some(value)) => (key.azure_variable, value),
            (None, None) => return Ok(Some(key.default).filter(|default| !default.is_empty())),
        };
        key.check(value).map_err(|reason| invalid(format!("Environment variable {name}: {reason}.")))?;
        Ok(Some(value))
    }

    pub(super) fn text(&self, name: &'static str) -> Result<Option<&'a str>> {
        self.look_up(find(name)?, true)
    }

    pub(super) fn without_azure(&self, name: &'static str) -> Result<Option<&'a str>> {
        self.look_up(find(name)?, false)
    }

    /// Whether code or our own variable sets it; Azure's may have been meant for others.
    pub(super) fn is_given(&self, name: &'static str) -> Result<bool> {
        Ok(self.config.get(name).is_some() || self.environment.get(&find(name)?.variable()).is_some())
    }

    pub(super) fn required(&self, name: &'static str, why: &str) -> Result<&'a str> {
        self.text(name)?.ok_or_else(|| missing(name, why))
    }

    fn millis(&self, name: &'static str) -> Result<Duration> {
        let value = self.required(name, "")?.parse::<u32>();
        value
            .map(|ms| Duration::from_millis(ms.into()))
            .map_err(|_| invalid(format!("{name} is not a number.")))
    }

    fn fraction(&self, name: &'static str) -> Result<f64> {
        self.required(name, "")?.parse().map_err(|_| invalid(format!("{name} is not a number.")))
    }
}

/// Which URLs a key accepts.
pub(super) enum Scheme {
    HttpsOnly,
    /// Managed identity endpoints speak plain http, and only on the machine itself or its own link.
    HttpNearby,
}

pub(super) fn check_endpoint(key: &str, value: &str, scheme: Scheme) -> Result<()> {
    let parsed: Option<Uri> = value.parse().ok();
    let (Some(given), Some(host)) =
        (parsed.as_ref().and_then(Uri::scheme_str), parsed.as_ref().and_then(Uri::host))
    else {
        return Err(invalid(format!("{key} must be a URL such as https://login.microsoftonline.com.")));
    };
    match (given, scheme) {
        ("https", _) => Ok(()),
        ("http", Scheme::HttpNearby) if is_nearby(host) => Ok(()),
        ("http", Scheme::HttpNearby) => Err(invalid(format!(
            "{key} is plain http to {host}: a token must not cross a network unprotected. Use https, or a \
             loopback or link-local address."
        ))),
        _ => Err(invalid(format!("{key} must start with https://: secrets are sent there."))),
    }
}

/// Loopback and link-local addresses: what plain http may reach.
pub(super) fn is_nearby(host: &str) -> bool {
    use std::net::IpAddr;
    match host.trim_start_matches('[').trim_end_matches(']').parse() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unicast_link_local(),
        Err(_) => host == "localhost",
    }
}

pub(super) fn missing(name: &str, why: &str) -> Error {
    let Some(key) = KEYS.iter().find(|key| key.name == name) else {
        return invalid(format!("{name} is missing."));
    };
    let or_azure = match key.azure_variable {
        "" => String::new(),
        variable => format!(" or {variable}"),
    };
    let choices = match key.kind {
        super::KeyType::Choice(words) => format!(" It is one of {}.", words.join(", ")),
        _ => String::new(),
    };
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    let variable = key.variable();
    invalid(format!(
        "Configuration key \"{name}\" is missing{why}. Set it, or {variable}{or_azure}.{choices}"
    ))
}

pub(super) fn invalid(message: impl AsRef<str>) -> Error {
    Error::new(ErrorKind::InvalidConfig, message)
}
