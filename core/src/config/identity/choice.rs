//! How to authenticate: which of the identities.

use super::chain::{Link, NarrowedChain};
use super::proof::Proof;
use super::single::SingleIdentity;
use crate::config::names::{CLIENT_ASSERTION, CUSTOM, DEFAULT};
use crate::config::values::Values;
use crate::error::{Error, Result};
use crate::request::{HostCallback, HostFunction};
use std::sync::Arc;

/// Which identity to ask for tokens.
pub(crate) enum IdentityChoice {
    Single(SingleIdentity),
    /// The host supplies the token itself.
    Custom(Arc<HostCallback>),
    /// The first of several that is there.
    Chain(Vec<Link>),
}

impl IdentityChoice {
    pub(in crate::config) fn resolve(values: &Values<'_>) -> Result<Self> {
        let (token, assertion) = (values.config.token_callback(), values.config.assertion_callback());
        // Code that brings a callback means it, unless it says something else.
        match (values.config.get("identity"), token, assertion) {
            (_, Some(_), Some(_)) => Err(Error::invalid_config(
                "There is a token callback and an assertion callback: pass one of them.",
            )),
            (None | Some(CUSTOM), Some(callback), None) => Ok(Self::custom(callback)),
            (None | Some(CLIENT_ASSERTION), None, Some(_)) => {
                SingleIdentity::resolve(CLIENT_ASSERTION, values).map(Self::Single)
            }
            (Some(identity), Some(_), None) | (Some(identity), None, Some(_)) => {
                Err(Error::invalid_config(format!(
                    "identity \"{identity}\" (set in code) uses no callback: leave the callback out, or identity."
                )))
            }
            _ => Self::by_name(values.required("identity", "")?.text, values),
        }
    }

    fn by_name(name: &str, values: &Values<'_>) -> Result<Self> {
        match name {
            DEFAULT => Ok(match NarrowedChain::resolve(values)? {
                NarrowedChain::Links(links) => Self::Chain(links),
                NarrowedChain::One(identity) => Self::Single(identity),
            }),
            CUSTOM => {
                let missing =
                    || Error::invalid_config("identity \"custom\" needs a token callback: pass one.");
                values.config.token_callback().map(Self::custom).ok_or_else(missing)
            }
            name => SingleIdentity::resolve(name, values).map(Self::Single),
        }
    }

    fn custom(callback: &HostFunction) -> Self {
        Self::Custom(HostCallback::new("token", callback.clone()))
    }

    /// The identity in a sentence: "from the …". The text holds ids and no secret.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Single(identity) => identity.describe(),
            Self::Custom(_) => "token callback".to_owned(),
            Self::Chain(_) => "default chain of identities".to_owned(),
        }
    }

    /// The identities that may be asked.
    fn identities(&self) -> Vec<&SingleIdentity> {
        match self {
            Self::Single(identity) => vec![identity],
            Self::Custom(_) => Vec::new(),
            Self::Chain(links) => links.iter().filter_map(|link| link.identity.as_ref().ok()).collect(),
        }
    }

    /// The secrets that the configuration itself holds.
    pub(in crate::config) fn secrets(&self) -> Vec<&str> {
        self.identities().into_iter().flat_map(SingleIdentity::secrets).collect()
    }

    /// The addresses that are asked, perhaps through a proxy.
    pub(in crate::config) fn addresses(&self) -> Vec<&str> {
        let applications = self.identities().into_iter().filter_map(|identity| match identity {
            SingleIdentity::Application(application) => Some(application),
            _ => None,
        });
        applications.flat_map(|application| application.addresses()).collect()
    }

    /// Whether it may start az or azd.
    pub(in crate::config) fn starts_tools(&self) -> bool {
        self.identities().iter().any(|identity| matches!(identity, SingleIdentity::Tool(_)))
    }

    /// Whether a callback of the host's runs on this thread, on behalf of this identity.
    pub(crate) fn runs_callback_here(&self) -> bool {
        match self {
            Self::Custom(callback) => callback.is_running_here(),
            Self::Single(SingleIdentity::Application(application)) => {
                matches!(&application.proof, Proof::Callback(callback) if callback.is_running_here())
            }
            _ => false,
        }
    }

    /// Whether every pod of a Kubernetes node would get it.
    pub(crate) fn is_of_the_node(&self) -> bool {
        self.identities().into_iter().any(SingleIdentity::is_of_the_node)
    }
}
