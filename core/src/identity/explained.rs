//! A source whose refusals say what it asked with, and where each value came from.

use super::{Source, Stamp, application, azure_tools, managed_identity};
use crate::config::{Asked, IdentityChoice, Settings};
use crate::error::{Error, Result};
use crate::grant::Grant;
use std::sync::Arc;
use std::time::Duration;

struct Explained {
    inner: Box<dyn Source>,
    asked: Arc<Asked>,
}

pub(super) fn source(settings: &Arc<Settings>, choice: &IdentityChoice) -> Result<Box<dyn Source>> {
    let (made, asked) = match choice {
        IdentityChoice::ManagedIdentity { host, user_assigned, asked } => {
            (managed_identity::source(settings, host, user_assigned.as_ref()), asked)
        }
        IdentityChoice::Application(application) => {
            (application::source(settings, application), &application.asked)
        }
        IdentityChoice::AzureCli { asked, .. } | IdentityChoice::AzureDeveloperCli { asked, .. } => {
            (azure_tools::source(settings, choice), asked)
        }
        IdentityChoice::Custom(_) | IdentityChoice::Chain(_) => {
            return Err(Error::internal("An identity that asks with values was expected."));
        }
    };
    let inner = made.map_err(|error| asked.explain(error))?;
    Ok(Box::new(Explained { inner, asked: asked.clone() }))
}

impl Source for Explained {
    fn fetch(&self, timeout: Duration) -> Result<Grant> {
        self.inner.fetch(timeout).map_err(|error| self.asked.explain(error))
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
