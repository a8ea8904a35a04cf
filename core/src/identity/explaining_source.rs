//! A source whose refusals say what it asked with, and where each value came from.

use super::credential_file::Stamp;
use super::source::Source;
use super::{application, managed_identity, token_file, tool};
use crate::config::{Explanation, Settings, SingleIdentity};
use crate::error::Result;
use crate::grant::Grant;
use std::sync::Arc;
use std::time::Duration;

struct ExplainingSource {
    inner: Box<dyn Source>,
    explanation: Arc<Explanation>,
}

pub(super) fn source(settings: &Arc<Settings>, identity: &SingleIdentity) -> Result<Box<dyn Source>> {
    let explanation = identity.explanation().clone();
    let inner = match identity {
        SingleIdentity::ManagedIdentity(identity) => managed_identity::source(settings, identity),
        SingleIdentity::Application(application) => application::source(settings, application),
        SingleIdentity::Tool(identity) => tool::source(settings, &identity.tool),
        SingleIdentity::TokenFile(file) => Ok(token_file::source(settings, file)),
    };
    let inner = inner.map_err(|error| explanation.explain(error))?;
    Ok(Box::new(ExplainingSource { inner, explanation }))
}

impl Source for ExplainingSource {
    fn fetch(&self, timeout: Duration) -> Result<Grant> {
        self.inner.fetch(timeout).map_err(|error| self.explanation.explain(error))
    }

    fn stamp(&self) -> Option<Stamp> {
        self.inner.stamp()
    }

    fn blocked(&self) -> &'static str {
        self.inner.blocked()
    }

    fn advice(&self, grant: &Grant) -> Option<String> {
        self.inner.advice(grant)
    }
}
