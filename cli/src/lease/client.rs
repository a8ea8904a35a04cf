//! Requests to the service, over TLS, loopback or a Unix socket.

use super::arguments::ServiceArguments;
use crate::exit_code::{NETWORK, PROBLEM, REFUSED, USAGE};
use crate::failure::{Failure, no_answer};
use crate::unix_connector::UnixConnector;
use crate::until_open::until_open;
use entrakey_core::{Config, Https, HttpsRequest, Provider};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;
use ureq::Agent;
use ureq::http;
use ureq::unversioned::resolver::DefaultResolver;
use zeroize::Zeroizing;

/// The service waits for Entra as long as its propagation-wait says, 80 s as a rule.
const TIMEOUT: Duration = Duration::from_secs(300);
/// A page of 500 leases, each with an error.
const MOST_BYTES: u64 = 4 * 1024 * 1024;
const DEFAULT_URL: &str = "http://127.0.0.1:8442";
const TOKEN: &str = "ENTRAKEY_LEASES_TOKEN";

pub(super) struct Client {
    way: Way,
    token: Option<Zeroizing<String>>,
}

enum Way {
    Https(Https, String),
    Loopback(String),
    Unix(PathBuf),
}

/// One request.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) body: Option<&'a str>,
    pub(super) key: Option<&'a str>,
}

impl Client {
    pub(super) fn new(given: &ServiceArguments) -> Result<Self, Failure> {
        let token = match &given.token_file {
            Some(path) => Some(read(path)?),
            None => std::env::var(TOKEN).ok().filter(|token| !token.is_empty()).map(Zeroizing::new),
        };
        let way = match (&given.socket, given.url.as_deref().unwrap_or(DEFAULT_URL)) {
            (Some(path), _) => Way::Unix(path.clone()),
            (None, url) if url.starts_with("https://") => {
                Way::Https(https()?, url.trim_end_matches('/').to_owned())
            }
            (None, url) if is_loopback(url) => Way::Loopback(url.trim_end_matches('/').to_owned()),
            (None, _) => {
                let what = "--url: the service's address begins with https://, or is http:// on this machine's loopback: the \
                            token and the credential go there.";
                return Err(Failure::usage(what));
            }
        };
        if token.is_none() && !matches!(way, Way::Unix(_)) {
            let what = format!(
                "Who are you? Set {TOKEN}, or give --token-file: entrakey leases token create makes a token."
            );
            return Err(Failure::usage(what));
        }
        Ok(Self { way, token })
    }

    /// The answer's text, if it is one of success.
    pub(super) fn send(&self, request: &Request<'_>) -> Result<Zeroizing<String>, Failure> {
        let (status, text) = match &self.way {
            Way::Https(https, base) => self.over_tls(https, base, request)?,
            Way::Loopback(base) => {
                let config = Agent::config_builder().timeout_global(Some(TIMEOUT)).proxy(None);
                let agent = config.http_status_as_error(false).max_redirects(0).build().new_agent();
                self.plainly(&agent, base, base, request)?
            }
            Way::Unix(path) => {
                let config = Agent::config_builder().timeout_global(Some(TIMEOUT)).proxy(None);
                let config = config.http_status_as_error(false).max_redirects(0).build();
                let connector = UnixConnector { path: path.clone(), timeout: TIMEOUT };
                let agent = Agent::with_parts(config, connector, DefaultResolver::default());
                // The address is that of nobody: the connector knows where to go.
                self.plainly(&agent, "http://127.0.0.1", &path.display().to_string(), request)?
            }
        };
        match status {
            200..=299 => Ok(text),
            status => Err(refused(status, &text)),
        }
    }

    fn over_tls(
        &self,
        https: &Https,
        base: &str,
        request: &Request<'_>,
    ) -> Result<(u16, Zeroizing<String>), Failure> {
        let headers: Vec<_> = request.key.iter().map(|key| ("Idempotency-Key", *key)).collect();
        let answer = https.send(&HttpsRequest {
            method: request.method,
            address: &format!("{base}{}", request.path),
            bearer: self.token.as_ref().map(|token| token.as_str()),
            headers: &headers,
            json: request.body.map(str::as_bytes),
            timeout: TIMEOUT,
        })?;
        let text = Zeroizing::new(String::from_utf8_lossy(&answer.body).into_owned());
        Ok((answer.status, text))
    }

    fn plainly(
        &self,
        agent: &Agent,
        base: &str,
        shown: &str,
        request: &Request<'_>,
    ) -> Result<(u16, Zeroizing<String>), Failure> {
        let failed = |error: &ureq::Error| {
            let what = format!("{shown}: {}. Does entrakey leases serve run there?", no_answer(error));
            Failure::new(NETWORK, what)
        };
        let mut builder =
            http::Request::builder().method(request.method).uri(format!("{base}{}", request.path));
        if let Some(token) = &self.token {
            builder = builder
                .header("Authorization", Zeroizing::new(format!("Bearer {}", token.as_str())).as_str());
        }
        if let Some(key) = request.key {
            builder = builder.header("Idempotency-Key", key);
        }
        let odd = |_| Failure::usage("The token or the key has letters that no header takes.");
        let answer = match request.body {
            Some(body) => {
                let request = builder.header("Content-Type", "application/json").body(body).map_err(odd)?;
                until_open(|| agent.run(request.clone()))
            }
            None => {
                let request = builder.body(()).map_err(odd)?;
                until_open(|| agent.run(request.clone()))
            }
        };
        let mut answer = answer.map_err(|error| failed(&error))?;
        let status = answer.status().as_u16();
        let text = answer.body_mut().with_config().limit(MOST_BYTES).read_to_string();
        Ok((status, Zeroizing::new(text.map_err(|error| failed(&error))?)))
    }
}

/// By the same roots and proxies as token requests.
fn https() -> Result<Https, Failure> {
    let mut config = Config::new().called("given to the command");
    config.set("identity", "managed_identity")?; // nobody is asked for a token
    let provider = Provider::new(&config)?;
    Ok(provider.https())
}

fn is_loopback(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { host } else { authority }
    });
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare == "localhost" || bare.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

fn read(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|error| Failure::usage(format!("--token-file: {}: {error}.", path.display())))?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}

fn refused(status: u16, text: &str) -> Failure {
    let said: Value = serde_json::from_str(text).unwrap_or_default();
    let word = |name: &str| said["error"][name].as_str().unwrap_or_default();
    let code = match status {
        400 => USAGE,
        401 | 403 => REFUSED,
        503 => NETWORK,
        _ => PROBLEM,
    };
    let lease = said["error"]["lease_id"].as_str().map(|id| format!(" (lease {id})")).unwrap_or_default();
    match word("message") {
        "" => Failure::new(
            code,
            format!("The service answered {status}, and nothing else: is it one of leases?"),
        ),
        message => Failure::new(code, format!("{message}{lease}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_in_clear_to_this_machine_only() {
        for url in ["http://127.0.0.1:8442", "http://localhost", "http://[::1]:8442/", "http://127.9.9.9"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in [
            "http://leases.example:8442",
            "http://127.0.0.1.evil.example",
            "http://localhost@evil.example",
            "http://127.0.0.1:8442@evil.example",
            "ftp://127.0.0.1",
            "http://10.0.0.4",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
