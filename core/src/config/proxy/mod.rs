//! The proxy for requests to Entra, by the rules of curl and of Python's requests; docs/proxies.md has them in a table.
//!
//! A request in plain http goes to this machine or its own link (`endpoint`), and never through a proxy.

mod exceptions;

use super::quotes::note_on_quotes;
use super::values::Values;
use super::variables::{NO_PROXY, PROXY, PROXY_FOR_HTTP};
use crate::error::{Error, Result};
use azure_core::http::Url;
use exceptions::Exceptions;
use ureq::Proxy;
use ureq::ProxyProtocol::{Http, Https};

/// Which proxy stands between this machine and an address.
pub(crate) struct Proxies {
    https: Option<NamedProxy>,
    exceptions: Exceptions,
    unread: Option<&'static str>,
}

/// A proxy, and what names it.
struct NamedProxy {
    /// None: the proxy is of a kind that cannot be used here.
    proxy: Option<Proxy>,
    origin: String,
}

impl Proxies {
    /// The keys `proxy` and `no_proxy` win over the variables, each by itself.
    pub(super) fn resolve(values: &Values<'_>) -> Result<Self> {
        let first_set = |names: &[&'static str]| {
            let set = |name: &&'static str| {
                Some((*name, values.environment.get(name).filter(|text| !text.trim().is_empty())?))
            };
            names.iter().find_map(set)
        };
        let of_key = values.value("proxy")?.map(|value| {
            let proxy = usable(value.text).ok_or_else(|| refused(&value.label()))?;
            Result::Ok(NamedProxy { proxy: Some(proxy), origin: value.to_string() })
        });
        let of_variable = || {
            let (name, text) = first_set(&PROXY)?;
            let origin = format!("environment variable {name}{}", note_on_quotes(text));
            Some(NamedProxy { proxy: usable(text), origin })
        };
        let no_proxy = values.text("no_proxy")?.or_else(|| first_set(&NO_PROXY).map(|(_, text)| text));
        Ok(Self {
            https: of_key.transpose()?.or_else(of_variable),
            exceptions: Exceptions::parse(no_proxy.unwrap_or_default()),
            unread: first_set(&PROXY_FOR_HTTP).map(|(name, _)| name),
        })
    }

    fn proxy_for(&self, url: &Url) -> Option<&NamedProxy> {
        let is_direct = url.scheme() != "https" || self.exceptions.hold(url);
        self.https.as_ref().filter(|_| !is_direct)
    }

    /// Refuses a proxy that is meant for that address and cannot be used: the secret would go past the proxy that was asked
    /// for.
    pub(super) fn check(&self, address: &str) -> Result<()> {
        let url = Url::parse(address).ok();
        match url.and_then(|url| self.proxy_for(&url)) {
            Some(NamedProxy { proxy: None, origin }) => Err(refused(origin)),
            _ => Ok(()),
        }
    }

    /// The proxy through which that address is asked.
    pub(crate) fn to(&self, url: &Url) -> Option<&Proxy> {
        self.proxy_for(url)?.proxy.as_ref()
    }

    /// How that address is reached, for an error about the way there: the proxy without its user and password.
    pub(crate) fn way_to(&self, url: &Url) -> Way {
        match self.proxy_for(url) {
            Some(NamedProxy { proxy: Some(proxy), origin }) => {
                Way::Through(format!("{}:{} ({origin})", proxy.host(), proxy.port()))
            }
            _ => Way::Direct { unread: self.unread.filter(|_| self.https.is_none()) },
        }
    }

    pub(super) fn password(&self) -> Option<&str> {
        self.https.as_ref()?.proxy.as_ref()?.password()
    }
}

/// How an address is reached.
pub(crate) enum Way {
    /// `unread`: a variable that names a proxy, and is not read.
    Direct {
        unread: Option<&'static str>,
    },
    Through(String),
}

fn usable(text: &str) -> Option<Proxy> {
    let text = text.trim();
    is_whole(text).then(|| Proxy::new(text).ok())?.filter(|proxy| matches!(proxy.protocol(), Http | Https))
}

/// Whether a URL's parts are what they look like. A `/`, `?` or `#` in a password that is not percent-encoded would make the user
/// the host and the beginning of the password its port, and a port that is none would become the default one.
fn is_whole(text: &str) -> bool {
    let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("http://{text}")) };
    url.is_ok_and(|url| {
        let after = [Some(url.path()), url.query(), url.fragment()];
        url.port() != Some(0) && !after.into_iter().flatten().any(|part| part.contains('@'))
    })
}

/// The error does not show the proxy's URL, which may hold a password.
fn refused(label: &str) -> Error {
    Error::invalid_config(format!(
        "{label}: the proxy cannot be used here: it must be http://host:port or https://host:port (no SOCKS), with special \
         characters of user and password percent-encoded. Correct it, or let no_proxy name the host that is to be asked \
         directly."
    ))
}

#[cfg(test)]
mod tests;
