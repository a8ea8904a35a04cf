//! One identity: what it is asked for by, and its tokens by resource.

use crate::plan::IdentityPlan;
use crate::supply::Supply;
use entrakey_core::{Config, EffectiveConfig, Error, KEYS};
use entrakey_service::Log;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

const DEFAULT_SCOPE: &str = "/.default";

/// The resource that a scope or an address stands for: libraries add what makes a scope of it, and people a slash.
pub(crate) fn bare(resource: &str) -> &str {
    resource.strip_suffix(DEFAULT_SCOPE).unwrap_or(resource).trim_end_matches('/')
}

/// An identity that is there as long as a request needs it, and while its configuration says the same.
pub(crate) struct Identity {
    pub(crate) id: String,
    pub(crate) is_default: bool,
    pub(crate) effective: EffectiveConfig,
    config: Config,
    /// What its own scope is for.
    pub(crate) own: Arc<Supply>,
    others: Mutex<BTreeMap<String, Arc<Supply>>>,
    log: Log,
}

impl Identity {
    pub(crate) fn new(plan: &IdentityPlan, log: &Log) -> Result<Self, Error> {
        let mut config = plan.config.clone();
        let effective = config.effective()?;
        if effective.get("name").is_none() {
            config.set("name", &plan.id)?;
        }
        let scope = effective.get("scope").map_or_else(default_scope, str::to_owned);
        let resource = bare(&scope).to_owned();
        let own = Supply::new(plan.id.clone(), resource, &config, log)?;
        Ok(Self {
            id: plan.id.clone(),
            is_default: plan.is_default,
            effective,
            config,
            own: Arc::new(own),
            others: Mutex::default(),
            log: log.clone(),
        })
    }

    /// Its tokens for a resource, which is [`bare`]. The first call for one that is not its own makes a provider for it.
    pub(crate) fn supply(&self, resource: &str) -> Result<Arc<Supply>, Error> {
        if self.own.resource == resource {
            return Ok(self.own.clone());
        }
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(supply) = others.get(resource) {
            return Ok(supply.clone());
        }
        let (name, mut config) = (format!("{} {resource}", self.id), self.config.clone());
        config.set("scope", &format!("{resource}{DEFAULT_SCOPE}"))?;
        config.set("name", &name)?;
        let supply = Arc::new(Supply::new(name, resource.to_owned(), &config, &self.log)?);
        others.insert(resource.to_owned(), supply.clone());
        Ok(supply)
    }

    /// All that have been made.
    pub(crate) fn supplies(&self) -> Vec<Arc<Supply>> {
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::once(&self.own).chain(others.values()).cloned().collect()
    }

    /// Whether App Service's parameter of that name means this identity by that value.
    pub(crate) fn is_called(&self, parameter: &str, value: &str) -> bool {
        let is = |text: Option<&str>| text.is_some_and(|text| text.eq_ignore_ascii_case(value));
        match parameter {
            "client_id" => is(self.effective.get("client_id")) || is(Some(&self.id)),
            "object_id" => {
                is(self.effective.get("object_id"))
                    || self.own.provider.with_usable(|token| is(Some(token.username()))).unwrap_or(false)
            }
            _ => is(self.effective.get("resource_id")),
        }
    }
}

fn default_scope() -> String {
    KEYS.iter().find(|key| key.name == "scope").map_or("", |key| key.default).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_the_same_however_it_is_written() {
        for written in [
            "https://redis.azure.com",
            "https://redis.azure.com/",
            "https://redis.azure.com/.default",
            "https://redis.azure.com//.default",
        ] {
            assert_eq!(bare(written), "https://redis.azure.com");
        }
    }
}
