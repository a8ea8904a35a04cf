//! One identity: what it is asked for by, and its tokens by resource.

use crate::agent::{ID, Question};
use crate::plan::IdentityPlan;
use crate::supply::Supply;
use entrakey_core::{Config, EffectiveConfig, Error, KEYS};
use entrakey_service::Log;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

const DEFAULT_SCOPE: &str = "/.default";

/// The resource that a scope or an address stands for: libraries add what makes a scope of it, and people a slash.
pub(crate) fn bare(resource: &str) -> &str {
    resource.strip_suffix(DEFAULT_SCOPE).unwrap_or(resource).trim_end_matches('/')
}

/// Why there are no tokens for a resource.
pub(crate) enum NoSupply {
    /// Its configuration is not what it was when it was accepted.
    IsAnother,
    /// There can be none.
    Unfit(Error),
}

/// An identity that is there as long as a request needs it, and while its configuration says the same.
pub(crate) struct Identity {
    pub(crate) id: String,
    is_default: AtomicBool,
    pub(crate) effective: EffectiveConfig,
    /// As the plan has it that holds: it may stand in another file than at first.
    config: Mutex<Config>,
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
            is_default: AtomicBool::new(plan.is_default),
            effective,
            config: Mutex::new(plan.config.clone()),
            own: Arc::new(own),
            others: Mutex::default(),
            log: log.clone(),
        })
    }

    /// Another plan holds, which says the same of who it is.
    pub(crate) fn follow(&self, plan: &IdentityPlan) {
        self.is_default.store(plan.is_default, Relaxed);
        *self.config.lock().unwrap_or_else(PoisonError::into_inner) = plan.config.clone();
    }

    /// Whether it is meant when nobody says which.
    pub(crate) fn is_default(&self) -> bool {
        self.is_default.load(Relaxed)
    }

    /// Its tokens for a resource, which is [`bare`]. The first call for one that is not its own makes a provider for it,
    /// which reads the configuration's file again: what stands there by now may be no good, or somebody else.
    pub(crate) fn supply(&self, resource: &str) -> Result<Arc<Supply>, NoSupply> {
        if self.own.resource == resource {
            return Ok(self.own.clone());
        }
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(supply) = others.get(resource) {
            return Ok(supply.clone());
        }
        let config = self.config.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let made = self.make(resource, config.clone());
        // Looked at after it was read.
        if !config.effective().is_ok_and(|now| now == self.effective) {
            return Err(NoSupply::IsAnother);
        }
        let supply = Arc::new(made.map_err(NoSupply::Unfit)?);
        others.insert(resource.to_owned(), supply.clone());
        Ok(supply)
    }

    fn make(&self, resource: &str, mut config: Config) -> Result<Supply, Error> {
        let name = format!("{} {resource}", self.id);
        config.set("scope", &format!("{resource}{DEFAULT_SCOPE}"))?;
        config.set("name", &name)?;
        Supply::new(name, resource.to_owned(), &config, &self.log)
    }

    /// All that have been made.
    pub(crate) fn supplies(&self) -> Vec<Arc<Supply>> {
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::once(&self.own).chain(others.values()).cloned().collect()
    }

    /// Whether it is meant by that value of that key, of its configuration or as its token has it.
    pub(crate) fn is_called(&self, key: &str, value: &str) -> bool {
        let is = |text: Option<&str>| text.is_some_and(|text| text.eq_ignore_ascii_case(value));
        match key {
            ID => self.id == value,
            "client_id" if is(Some(&self.id)) => true,
            _ => is(self.effective.get(key)) || is(self.own.says(&self.id, key).as_deref()),
        }
    }

    /// Whether its token, which it does not have yet, may show that it is meant.
    pub(crate) fn may_be_meant(&self, question: &Question) -> bool {
        let is_open = |key: &str| key != ID && self.effective.get(key).is_none();
        question.identity().is_some_and(|(_, key, _)| is_open(key))
            && self.own.provider.with_usable(|_| ()).is_none()
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
