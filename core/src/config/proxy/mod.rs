//! The proxy for requests to Entra, by the rules of curl and of Python's requests; docs/proxies.md has them in a table.
//!
//! What goes out as plain http goes to this machine or its own link (`endpoint`), and never through a proxy.

mod exceptions;

use super::values::{Values, invalid, quotes};
use crate::error::{Error, Result};
use azure_core::http::Url;
use exceptions::Exceptions;
use ureq::Proxy;
use ureq::ProxyProtocol::{Http, Https};
use zeroize::Zeroizing;

/// The variables for an address that is https, the first that is set.
const VARIABLES: &[&str] = &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const NO_PROXY: &[&str] = &["no_proxy", "NO_PROXY"];
/// The variables for plain http, which nothing here needs. Somebody may have set them for everything.
const FOR_HTTP: &[&str] = &["http_proxy", "HTTP_PROXY"];

/// What the environment says of proxies, read on the caller's thread.
#[derive(Default)]
pub(crate) struct FromEnvironment {
    proxy: Option<(&'static str, Zeroizing<String>)>,
    no_proxy: Option<String>,
    /// Set, and not read.
    unread: Option<&'static str>,
}

impl FromEnvironment {
    pub(super) fn read() -> Self {
        Self::of(|name| std::env::var(name).ok())
    }

    pub(super) fn of(read: impl Fn(&str) -> Option<String>) -> Self {
        let first = |names: &[&'static str]| {
            let set =
                |name: &&'static str| Some((*name, read(name).filter(|value| !value.trim().is_empty())?));
            names.iter().find_map(set)
        };
        Self {
            proxy: first(VARIABLES).map(|(name, value)| (name, Zeroizing::new(value))),
            no_proxy: first(NO_PROXY).map(|(_, value)| value),
            unread: first(FOR_HTTP).map(|(name, _)| name),
        }
    }
}

/// Which proxy stands between this machine and an address.
pub(crate) struct Proxies {
    https: Option<Named>,
    exceptions: Exceptions,
    unread: Option<&'static str>,
}

/// A proxy, and what names it.
struct Named {
    /// None: of a kind that cannot be used here.
    proxy: Option<Proxy>,
    by: String,
}

impl Proxies {
    /// The keys `proxy` and `no_proxy` win over the variables, each by itself.
    pub(super) fn resolve(values: &Values<'_>) -> Result<Self> {
        let environment = &values.environment.proxies;
        let of_key = values.given("proxy")?.map(|given| {
            let proxy = usable(given.text).ok_or_else(|| refused(&given.named()))?;
            Result::Ok(Named { proxy: Some(proxy), by: given.to_string() })
        });
        let of_variable = || {
            let (name, value) = environment.proxy.as_ref()?;
            Some(Named { proxy: usable(value), by: format!("environment variable {name}{}", quotes(value)) })
        };
        let no_proxy = values.text("no_proxy")?.or(environment.no_proxy.as_deref());
        Ok(Self {
            https: of_key.transpose()?.or_else(of_variable),
            exceptions: Exceptions::parse(no_proxy.unwrap_or_default()),
            unread: environment.unread,
        })
    }

    fn named(&self, url: &Url) -> Option<&Named> {
        let is_direct = url.scheme() != "https" || self.exceptions.hold(url);
        self.https.as_ref().filter(|_| !is_direct)
    }

    /// Refuses a proxy that would be used for that address and cannot be: a secret would go past the one that was asked
    /// for.
    pub(super) fn check(&self, address: &str) -> Result<()> {
        let url = Url::parse(address).ok();
        match url.and_then(|url| self.named(&url)) {
            Some(Named { proxy: None, by }) => Err(refused(by)),
            _ => Ok(()),
        }
    }

    /// The proxy through which that address is asked.
    pub(crate) fn to(&self, url: &Url) -> Option<&Proxy> {
        self.named(url)?.proxy.as_ref()
    }

    /// How that address is reached, for an error about the way there: the proxy without its user and password.
    pub(crate) fn way_to(&self, url: &Url) -> Way {
        match self.named(url) {
            Some(Named { proxy: Some(proxy), by }) => {
                Way::Through(format!("{}:{} ({by})", proxy.host(), proxy.port()))
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
    /// A variable names a proxy, and is not read.
    Direct {
        unread: Option<&'static str>,
    },
    Through(String),
}

fn usable(text: &str) -> Option<Proxy> {
    Proxy::new(text.trim()).ok().filter(|proxy| matches!(proxy.protocol(), Http | Https))
}

/// Its text is not shown: it may hold a password.
fn refused(by: &str) -> Error {
    invalid(format!(
        "{by}: the proxy cannot be used here: it must be http://host:port or https://host:port (no SOCKS), with special \
         characters of user and password percent-encoded. Correct it, or let no_proxy name the host that is to be asked \
         directly."
    ))
}

#[cfg(test)]
mod tests;
