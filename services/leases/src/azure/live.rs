//! The real ones, with tokens of one of our identities.

use super::{Answer, Azure, Call, Service, SignIn, Unanswered};
use entrakey_core::{
    Config, DuringOutage, Error, ErrorKind, GetToken, Https, HttpsAnswer, HttpsRequest, Provider,
};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use zeroize::Zeroizing;

/// Graph answers a write within seconds as a rule. Whoever waits longer has a client that waits.
const TIMEOUT: Duration = Duration::from_secs(30);
/// For one attempt to sign in.
const SIGN_IN: Duration = Duration::from_secs(15);
/// "Invalid client secret provided", until Entra has heard of a new one.
const UNKNOWN_SECRET: u32 = 7_000_215;

/// The token was not taken.
const UNAUTHORIZED: u16 = 401;

/// Where the services are.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// Microsoft Graph, without a slash at the end.
    pub graph: String,
    /// Azure Resource Manager, likewise.
    pub manager: String,
    /// What tokens for Graph are asked for.
    graph_scope: String,
    manager_scope: String,
}

impl Endpoints {
    /// Those of a cloud (`public`, `china`, `us_government`), or others.
    ///
    /// # Errors
    /// An address is not one of https.
    pub fn new(cloud: &str, graph: Option<&str>, manager: Option<&str>) -> Result<Self, String> {
        let (of_graph, of_manager) = match cloud {
            "china" => ("https://microsoftgraph.chinacloudapi.cn", "https://management.chinacloudapi.cn"),
            "us_government" => ("https://graph.microsoft.us", "https://management.usgovcloudapi.net"),
            _ => ("https://graph.microsoft.com", "https://management.azure.com"),
        };
        let checked = |given: Option<&str>, own: &str, what: &str| {
            let address = given.unwrap_or(own).trim_end_matches('/').to_owned();
            match address.starts_with("https://") {
                true => Ok(address),
                false => Err(format!("{what} must begin with https://: tokens and secrets are sent there")),
            }
        };
        Ok(Self {
            graph: checked(graph, of_graph, "graph-endpoint")?,
            manager: checked(manager, of_manager, "arm-endpoint")?,
            graph_scope: format!("{of_graph}/.default"),
            manager_scope: format!("{of_manager}/.default"),
        })
    }
}

/// Asks Azure as one identity. Tokens are fetched when they are needed first, and kept fresh.
pub struct Live {
    graph: Provider,
    manager: Provider,
    https: Arc<Https>,
    endpoints: Endpoints,
    /// What signing in as an application takes, without its secret.
    sign_in: Config,
}

/// Keys by which Entra is reached, whoever signs in.
const OF_THE_WAY: [&str; 6] = ["cloud", "authority_host", "ca_file", "proxy", "no_proxy", "tenant_id"];

impl Live {
    /// # Errors
    /// The configuration of the identity is no good.
    pub fn new(identity: &Config, endpoints: Endpoints) -> Result<Self, Error> {
        let with_scope = |scope: &str| {
            let mut config = identity.clone();
            config.set("scope", scope)?;
            Provider::new(&config)
        };
        let effective = identity.effective()?;
        let mut sign_in = Config::new().called("given to the leases");
        for key in OF_THE_WAY {
            if let Some(value) = effective.get(key) {
                sign_in.set(key, value)?;
            }
        }
        sign_in.set("identity", "service_principal")?;
        let graph = with_scope(&endpoints.graph_scope)?;
        let manager = with_scope(&endpoints.manager_scope)?;
        let https = Arc::new(graph.https());
        Ok(Self { graph, manager, https, endpoints, sign_in })
    }

    fn address(&self, service: Service, path: &str) -> Result<String, Unanswered> {
        let base = match service {
            Service::Graph => &self.endpoints.graph,
            Service::Manager => &self.endpoints.manager,
        };
        match path.starts_with('/') {
            true => Ok(format!("{base}{path}")),
            // The token goes nowhere else.
            false if path.strip_prefix(base.as_str()).is_some_and(|rest| rest.starts_with('/')) => {
                Ok(path.to_owned())
            }
            false => Err(Unanswered {
                message: "The next page of a list is at another address.".to_owned(),
                is_unsent: true,
                retry_after: None,
            }),
        }
    }

    /// A provider for one attempt: it forgets the secret with the answer.
    fn attempt(&self, application_id: &str, secret: &str, scope: &str) -> Result<Provider, Error> {
        let mut config = self.sign_in.clone();
        config.set("client_id", application_id)?;
        config.set("client_secret", secret)?;
        config.set("scope", scope)?;
        Provider::new(&config)
    }
}

/// A token, without holding a thread while it comes.
async fn token(provider: &Provider, timeout: Duration) -> Result<Arc<entrakey_core::Token>, Error> {
    let (tell, told) = tokio::sync::oneshot::channel();
    let how = GetToken { timeout: Some(timeout), during_outage: DuringOutage::Report };
    provider.get_token_then(how, move |outcome| drop(tell.send(outcome))); // whoever asked may be gone
    told.await.unwrap_or_else(|_| Err(Error::closed()))
}

/// Milliseconds since 1970, by this machine's clock.
pub(crate) fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn read(answer: HttpsAnswer) -> Answer {
    let id = ["request-id", "x-ms-request-id", "x-ms-correlation-request-id"];
    let request_id = id.iter().find_map(|name| answer.header(name)).map(|id| id.chars().take(64).collect());
    Answer {
        status: answer.status,
        retry_after: answer.retry_after,
        date_ms: answer.clock_skew_ms.map(|skew| wall_ms().saturating_sub(skew)),
        request_id,
        body: answer.body,
    }
}

#[async_trait::async_trait]
impl Azure for Live {
    async fn call(&self, call: Call) -> Result<Answer, Unanswered> {
        let unsent = |error: &Error| Unanswered {
            message: error.message().to_owned(),
            is_unsent: true,
            retry_after: error.retry_in(),
        };
        let address = self.address(call.service, &call.path)?;
        let provider = match call.service {
            Service::Graph => &self.graph,
            Service::Manager => &self.manager,
        };
        let token = token(provider, TIMEOUT).await.map_err(|error| unsent(&error))?;
        let (https, method, body) = (self.https.clone(), call.method, call.body);
        let sent = tokio::task::spawn_blocking(move || {
            https.send(&HttpsRequest {
                method,
                address: &address,
                bearer: Some(token.secret()),
                headers: &[("Accept", "application/json")],
                json: body.as_ref().map(|body| body.as_slice()),
                timeout: TIMEOUT,
            })
        });
        match sent.await {
            Ok(Ok(answer)) => {
                if answer.status == UNAUTHORIZED {
                    let _ = provider.refresh(); // for the next request; it is spaced
                }
                Ok(read(answer))
            }
            Ok(Err(error)) => Err(Unanswered {
                message: error.message().to_owned(),
                is_unsent: error.kind() == ErrorKind::InvalidConfig,
                retry_after: None,
            }),
            Err(error) => Err(Unanswered {
                message: format!("The request was not finished: {error}."),
                is_unsent: false,
                retry_after: None,
            }),
        }
    }

    async fn sign_in(&self, application_id: &str, secret: &Zeroizing<String>, scope: &str) -> SignIn {
        let provider = match self.attempt(application_id, secret, scope) {
            Ok(provider) => provider,
            Err(error) => return SignIn::Unclear(error.message().to_owned()),
        };
        let outcome = token(&provider, SIGN_IN).await;
        provider.close();
        match outcome {
            Ok(_) => SignIn::Taken,
            Err(error) if error.aadsts() == Some(UNKNOWN_SECRET) => SignIn::NotYet,
            Err(error) => SignIn::Unclear(error.message().to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_to_no_other_address() {
        let mut identity = Config::new();
        identity.set("identity", "managed_identity").unwrap();
        let endpoints = Endpoints::new("public", None, Some("https://127.0.0.1:8443/")).unwrap();
        let live = Live::new(&identity, endpoints).unwrap();
        let address = |service, path: &str| live.address(service, path).ok();
        let users = "https://graph.microsoft.com/v1.0/users";
        assert_eq!(address(Service::Graph, "/v1.0/users").as_deref(), Some(users));
        assert_eq!(address(Service::Graph, users).as_deref(), Some(users));
        assert_eq!(address(Service::Manager, "/x").as_deref(), Some("https://127.0.0.1:8443/x"));
        for elsewhere in [
            "https://graph.microsoft.com.evil.example/x",
            "https://evil.example/",
            "http://graph.microsoft.com/x",
        ] {
            assert_eq!(address(Service::Graph, elsewhere), None, "{elsewhere}");
        }
        assert!(Endpoints::new("public", Some("http://127.0.0.1"), None).is_err());
    }

    #[test]
    fn each_cloud_has_its_own_addresses() {
        let of = |cloud| Endpoints::new(cloud, None, None).map(|it| (it.graph, it.manager)).unwrap();
        assert_eq!(of("public").0, "https://graph.microsoft.com");
        assert_eq!(of("us_government").1, "https://management.usgovcloudapi.net");
        assert_eq!(of("china").0, "https://microsoftgraph.chinacloudapi.cn");
    }
}
