//! The identities of this process. Upstreams whose settings say the same have one provider, and one token.

use super::plan::Upstream;
use crate::exit_code;
use crate::failure::Failure;
use crate::identity::{Keys, config};
use entrakey_core::{ErrorKind, GetToken, Observation, Provider};
use entrakey_service::{Log, log_events};

/// Theirs. Dropping them ends what is told of them.
pub(super) struct Providers {
    distinct: Vec<(Keys, Provider)>,
    /// Which of them each upstream has.
    indices: Vec<usize>,
    _told: Vec<Observation>,
}

impl Providers {
    /// `names` are the upstreams'.
    pub(super) fn new(upstreams: &[Upstream], names: &[String], log: &Log) -> Result<Self, Failure> {
        let (mut distinct, mut indices, mut told) = (Vec::<(Keys, Provider)>::new(), Vec::new(), Vec::new());
        let are_several =
            upstreams.iter().any(|other| upstreams.first().is_some_and(|first| first.keys != other.keys));
        for (upstream, name) in upstreams.iter().zip(names) {
            let found = distinct.iter().position(|(keys, _)| *keys == upstream.keys);
            let index = match found {
                Some(index) => index,
                None => {
                    let provider = named(&upstream.keys, are_several.then_some(name))?;
                    told.push(log_events(&provider, provider.status().name, log)?);
                    distinct.push((upstream.keys.clone(), provider));
                    distinct.len() - 1
                }
            };
            indices.push(index);
        }
        Ok(Self { distinct, indices, _told: told })
    }

    /// In the upstreams' order.
    pub(super) fn of_each(&self) -> impl Iterator<Item = &Provider> {
        self.indices.iter().filter_map(|index| self.distinct.get(*index).map(|(_, provider)| provider))
    }

    pub(super) fn all(&self) -> Vec<Provider> {
        self.distinct.iter().map(|(_, provider)| provider.clone()).collect()
    }

    /// Asks for the first tokens: no client is to wait for them. What goes wrong is told by the providers' events.
    pub(super) fn fetch(&self) {
        for (_, provider) in &self.distinct {
            provider.get_token_then(GetToken::default(), drop);
        }
    }
}

/// One of several without a name of its own has its upstream's: log and metrics tell them apart by it.
fn named(keys: &Keys, name: Option<&String>) -> Result<Provider, Failure> {
    let mut config = config(keys)?;
    let provider = Provider::new(&config)?;
    match name.filter(|_| provider.status().name.is_none()) {
        None => Ok(provider),
        Some(name) => {
            config.set("name", name)?;
            Ok(Provider::new(&config)?)
        }
    }
}

/// What a command ends with because of the provider's last failure.
pub(super) fn exit_code(provider: &Provider) -> Option<u8> {
    let kind = provider.status().last_error?.kind;
    ErrorKind::ALL.into_iter().find(|known| known.name() == kind).map(exit_code::of_kind)
}
