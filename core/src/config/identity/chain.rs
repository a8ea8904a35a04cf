//! The default chain: which identities it asks, in order, or why it cannot ask one.

use super::hints::note_on_person;
use super::managed_identity::ManagedIdentity;
use super::proof::has_proof;
use super::single::SingleIdentity;
use crate::config::environment::Environment;
use crate::config::names::{
    AZURE_CLI, AZURE_DEVELOPER_CLI, ENVIRONMENT, MANAGED_IDENTITY, WORKLOAD_IDENTITY,
};
use crate::config::quotes::note_on_quotes;
use crate::config::values::Values;
use crate::config::variables::AZURE_TOKEN_CREDENTIALS;
use crate::error::{Error, Result};

/// The identities of the chain, each with the name that Microsoft's libraries have for it.
const CHAIN: &[(&str, &str)] = &[
    (ENVIRONMENT, "EnvironmentCredential"),
    (WORKLOAD_IDENTITY, "WorkloadIdentityCredential"),
    (MANAGED_IDENTITY, "ManagedIdentityCredential"),
    (AZURE_CLI, "AzureCliCredential"),
    (AZURE_DEVELOPER_CLI, "AzureDeveloperCliCredential"),
];
/// The first so many are for services, the others for developers' machines.
const CHAIN_FOR_SERVICES: usize = 3;

/// One way of the default chain.
pub(crate) struct Link {
    pub(crate) name: &'static str,
    pub(crate) identity: Result<SingleIdentity, Obstacle>,
}

/// Why a link of the chain cannot be asked.
pub(crate) enum Obstacle {
    /// Nothing of the identity is there: the next one may be.
    NotConfigured(String),
    /// This machine has the identity, configured wrongly. A link before this one may still be asked; no link after it may
    /// take its place.
    Misconfigured(Error),
}

/// The chain; or the one identity that `AZURE_TOKEN_CREDENTIALS` leaves of it, which is meant and no chain.
pub(super) enum NarrowedChain {
    Links(Vec<Link>),
    One(SingleIdentity),
}

impl NarrowedChain {
    pub(super) fn resolve(values: &Values<'_>) -> Result<Self> {
        let names = CHAIN.iter().map(|(name, _)| *name);
        let names: Vec<_> = match wanted(values.environment).map(str::to_ascii_lowercase).as_deref() {
            None => names.collect(),
            Some("prod") => names.take(CHAIN_FOR_SERVICES).collect(),
            Some("dev") => names.skip(CHAIN_FOR_SERVICES).collect(),
            Some(one) => return SingleIdentity::resolve_in_chain(name_of(one)?, values).map(Self::One),
        };
        names.into_iter().map(|name| link(name, values)).collect::<Result<_>>().map(Self::Links)
    }
}

fn wanted(environment: &Environment) -> Option<&str> {
    environment.get(AZURE_TOKEN_CREDENTIALS).map(str::trim).filter(|wanted| !wanted.is_empty())
}

/// Our name for the one credential that is wanted.
fn name_of(wanted: &str) -> Result<&'static str> {
    let found = CHAIN.iter().find(|(_, azure)| azure.eq_ignore_ascii_case(wanted));
    found.map(|(name, _)| *name).ok_or_else(|| {
        let quotes = note_on_quotes(wanted);
        Error::invalid_config(format!(
            "Environment variable {AZURE_TOKEN_CREDENTIALS}{quotes} is none of dev, prod, {}. Correct it, or set identity.",
            CHAIN.iter().map(|(_, azure)| *azure).collect::<Vec<_>>().join(", ")
        ))
    })
}

/// A link of the chain. An error means that the identity is configured, and wrongly.
fn link(name: &'static str, values: &Values<'_>) -> Result<Link> {
    let needed: &[&str] = match name {
        ENVIRONMENT if has_proof(values)? => &["tenant_id", "client_id"],
        ENVIRONMENT => &["tenant_id", "client_id", "client_secret"],
        WORKLOAD_IDENTITY => &["tenant_id", "client_id", "federated_token_file"],
        MANAGED_IDENTITY => {
            let identity = ManagedIdentity::resolve(values, values.value("client_id")?);
            let identity = identity.map(SingleIdentity::ManagedIdentity).map_err(Obstacle::Misconfigured);
            return Ok(Link { name, identity });
        }
        _ => &[],
    };
    let identity = match missing(needed, values)? {
        Some(reason) => {
            let of_person = note_on_person(values).filter(|_| name == ENVIRONMENT);
            let reasons = [Some(reason), of_person];
            Err(Obstacle::NotConfigured(reasons.into_iter().flatten().collect::<Vec<_>>().join(", and ")))
        }
        None => Ok(SingleIdentity::resolve(name, values)?),
    };
    Ok(Link { name, identity })
}

/// Which of the keys nothing sets, as a reason not to ask the identity.
fn missing(keys: &[&'static str], values: &Values<'_>) -> Result<Option<String>> {
    let mut missing = Vec::new();
    for key in keys {
        if values.text(key)?.is_none() {
            missing.push(*key);
        }
    }
    let reason = || format!("{} not set{}", missing.join(" and "), values.environment.note());
    Ok((!missing.is_empty()).then(reason))
}
