//! The proxy for requests to Entra. Managed identity endpoints are never asked through one.

use super::values::{Values, invalid};
use crate::error::Result;
use ureq::Proxy;
use ureq::ProxyProtocol::{Http, Https};

/// The variables that ureq reads, in its order.
const VARIABLES: &[&str] =
    &["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];
const NO_PROXY: &[&str] = &["NO_PROXY", "no_proxy"];

/// What the environment says of proxies, read on the caller's thread.
#[derive(Default)]
pub(crate) struct FromEnvironment {
    proxy: Option<Proxy>,
    /// The variable that names a proxy of a kind that this library cannot use.
    pub(super) unusable: Option<&'static str>,
    no_proxy: Option<String>,
}

impl FromEnvironment {
    pub(super) fn read() -> Self {
        let read = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        Self {
            proxy: Proxy::try_from_env(),
            unusable: unusable(read),
            no_proxy: NO_PROXY.iter().find_map(|name| read(name)),
        }
    }
}

/// The keys `proxy` and `no_proxy` win over the variables, each by itself.
pub(super) fn resolve(values: &Values<'_>) -> Result<Option<Proxy>> {
    let environment = &values.environment.proxies;
    let no_proxy = values.text("no_proxy")?;
    let given = values.text("proxy")?.map(usable).transpose()?;
    match (given, no_proxy) {
        (Some(proxy), no_proxy) => with_exceptions(&proxy, no_proxy.or(environment.no_proxy.as_deref())),
        (None, Some(no_proxy)) => {
            environment.proxy.as_ref().map_or(Ok(None), |proxy| with_exceptions(proxy, Some(no_proxy)))
        }
        (None, None) => Ok(environment.proxy.clone()),
    }
}

/// Refuses a variable that ureq would pass over: a secret would be sent past the proxy that was asked for.
pub(super) fn check_environment(values: &Values<'_>) -> Result<()> {
    let unusable = values.environment.proxies.unusable;
    match unusable {
        Some(name) if values.text("proxy")?.is_none() => Err(invalid(format!(
            "{name} names a proxy that cannot be used here: it must be http://host:port or https://host:port \
             (no SOCKS). Correct it, or unset it to connect directly."
        ))),
        _ => Ok(()),
    }
}

fn usable(text: &str) -> Result<Proxy> {
    let proxy = Proxy::new(text).ok().filter(|proxy| matches!(proxy.protocol(), Http | Https));
    proxy.ok_or_else(|| invalid("proxy must be http://host:port or https://host:port (no SOCKS)."))
}

fn with_exceptions(proxy: &Proxy, no_proxy: Option<&str>) -> Result<Option<Proxy>> {
    let Some(no_proxy) = no_proxy else { return Ok(Some(proxy.clone())) };
    let mut builder = Proxy::builder(proxy.protocol()).host(proxy.host()).port(proxy.port());
    if let Some(username) = proxy.username() {
        builder = builder.username(username);
    }
    if let Some(password) = proxy.password() {
        builder = builder.password(password);
    }
    let exceptions = no_proxy.split(',').map(str::trim).filter(|exception| !exception.is_empty());
    let builder = exceptions.fold(builder, |builder, exception| builder.no_proxy(exception));
    builder.build().map(Some).map_err(|_| invalid("proxy and no_proxy cannot be used together as they are."))
}

fn unusable(read: impl Fn(&str) -> Option<String>) -> Option<&'static str> {
    let name = VARIABLES.iter().find(|name| read(name).is_some_and(|value| !value.trim().is_empty()))?;
    let proxy = read(name).and_then(|value| Proxy::new(&value).ok());
    let usable = proxy.is_some_and(|proxy| matches!(proxy.protocol(), Http | Https));
    (!usable).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Environment};
    use super::*;

    #[test]
    fn the_first_proxy_variable_that_is_set_must_be_usable() {
        let check = |set: &[(&str, &str)]| {
            unusable(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(check(&[]), None);
        assert_eq!(check(&[("HTTPS_PROXY", "http://user:pass@127.0.0.1:3128")]), None);
        assert_eq!(check(&[("ALL_PROXY", ""), ("HTTP_PROXY", "proxy:80")]), None);
        assert_eq!(check(&[("all_proxy", "socks5://127.0.0.1:1080")]), Some("all_proxy"));
        assert_eq!(check(&[("HTTPS_PROXY", "http://"), ("HTTP_PROXY", "proxy:80")]), Some("HTTPS_PROXY"));
    }

    /// The proxy's host and whether login.example is an exception.
    fn resolved(keys: &[(&str, &str)], environment: FromEnvironment) -> Result<Option<(String, bool)>> {
        let mut config = Config::new();
        for (key, value) in keys {
            config.set(key, value)?;
        }
        let mut all = Environment::of([]);
        all.proxies = environment;
        let file = Config::new();
        let values = Values { config: &config, environment: &all, file: &file };
        check_environment(&values)?;
        let target = "https://login.example".parse().unwrap();
        Ok(resolve(&values)?.map(|proxy| (proxy.host().to_owned(), proxy.is_no_proxy(&target))))
    }

    fn environment(no_proxy: Option<&str>) -> FromEnvironment {
        FromEnvironment {
            proxy: Proxy::new("http://env:1").ok(),
            unusable: None,
            no_proxy: no_proxy.map(str::to_owned),
        }
    }

    #[test]
    fn keys_win_over_variables_each_by_itself() {
        let own = ("proxy", "http://me:s3cret@own:2");
        let found = |host: &str, excepted| Some((host.to_owned(), excepted));
        assert_eq!(resolved(&[], FromEnvironment::default()).unwrap(), None);
        assert_eq!(resolved(&[], environment(None)).unwrap(), found("env", false));
        assert_eq!(resolved(&[own], environment(None)).unwrap(), found("own", false));
        assert_eq!(resolved(&[own], environment(Some("other, login.example"))).unwrap(), found("own", true));
        assert_eq!(
            resolved(&[("no_proxy", "login.example")], environment(None)).unwrap(),
            found("env", true)
        );
        assert_eq!(
            resolved(&[own, ("no_proxy", "x")], environment(Some("login.example"))).unwrap(),
            found("own", false)
        );
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_showing_it() {
        let error =
            resolved(&[("proxy", "socks5://me:s3cret@own:2")], FromEnvironment::default()).unwrap_err();
        assert!(
            error.message().starts_with("proxy must be") && !error.message().contains("s3cret"),
            "{error}"
        );
        let socks = || FromEnvironment { unusable: Some("ALL_PROXY"), ..FromEnvironment::default() };
        assert!(resolved(&[], socks()).unwrap_err().message().contains("ALL_PROXY"));
        assert!(resolved(&[("proxy", "http://own:2")], socks()).is_ok(), "the key is meant");
    }
}
