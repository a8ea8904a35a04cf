//! Managed identity: what each hosting environment's endpoint wants to be asked.
//!
//! The requests are ours. `azure_identity` would read the environment at each request, on a thread of ours and in a forked
//! child too; it would let the environment override an address that was configured; and it knows only one address of IMDS.
//!
//! - IMDS: <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>
//! - App Service: <https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference>
//! - Service Fabric: <https://learn.microsoft.com/azure/service-fabric/how-to-managed-identity-service-fabric-app-code>
//! - Arc: <https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication>

use super::arc;
use super::arguments::parse_url;
use super::source::Source;
use crate::config::{HostingEnvironment, ManagedIdentity, Settings, UserAssigned};
use crate::error::Result;
use crate::grant::Grant;
use crate::transport::{Endpoint, Outgoing, Presence, Transport, checked};
use azure_core::http::Url;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

const IMDS_PATH: &str = "/metadata/identity/oauth2/token";
/// The header shows that the request is meant: a request that somebody tricked a web server into would not carry it.
const METADATA: (&str, &str) = ("Metadata", "true");

/// An endpoint that answers one request with a token.
struct PlainSource {
    request: Outgoing,
    transport: Transport,
}

impl Source for PlainSource {
    fn fetch(&self, timeout: Duration) -> Result<Grant> {
        self.transport.fetch(&self.request, timeout)
    }
}

pub(super) fn source(settings: &Arc<Settings>, identity: &ManagedIdentity) -> Result<Box<dyn Source>> {
    let environment = &identity.hosting_environment;
    let transport = match environment {
        HostingEnvironment::ServiceFabric { thumbprint, .. } => {
            Transport::new(endpoint(environment), settings.clone()).pinned(*thumbprint)
        }
        _ => Transport::new(endpoint(environment), settings.clone()),
    };
    let request = request(environment, &settings.scope, identity.user_assigned.as_ref())?;
    Ok(match environment {
        HostingEnvironment::Arc { .. } => Box::new(arc::ArcSource::new(request, transport)),
        _ => Box::new(PlainSource { request, transport }),
    })
}

fn endpoint(environment: &HostingEnvironment) -> Endpoint {
    match environment {
        HostingEnvironment::Imds { .. } => Endpoint::ManagedIdentity,
        HostingEnvironment::ServiceFabric { .. } => Endpoint::ServiceFabric,
        HostingEnvironment::AppService { .. } => Endpoint::AppService,
        HostingEnvironment::AzureMl { .. } => Endpoint::AzureMl,
        HostingEnvironment::Arc { .. } => Endpoint::Arc,
        HostingEnvironment::CloudShell { .. } => Endpoint::CloudShell,
    }
}

/// Whether an endpoint is there at all. Only IMDS has to be asked: the others are named by the environment.
pub(super) struct Probe {
    request: Outgoing,
    transport: Transport,
}

pub(super) fn probe(settings: &Arc<Settings>, environment: &HostingEnvironment) -> Result<Option<Probe>> {
    let HostingEnvironment::Imds { endpoint } = environment else { return Ok(None) };
    let url = checked(parse_url("imds_endpoint", &format!("{endpoint}{IMDS_PATH}"))?)?;
    // Without the header the request asks for nothing: IMDS refuses it at once.
    let request = Outgoing { url, headers: Vec::new(), form: None };
    Ok(Some(Probe { request, transport: Transport::new(Endpoint::ManagedIdentity, settings.clone()) }))
}

impl Probe {
    /// Who answers at the endpoint's address. An error is this machine's own trouble and says nothing of the endpoint. Blocks
    /// for `timeout` at most.
    pub(super) fn presence(&self, timeout: Duration) -> Result<Presence> {
        self.transport.knock(&self.request, timeout)
    }
}

/// The names that an endpoint has for the ways to choose an identity.
struct Names {
    client: &'static str,
    resource: &'static str,
}

fn request(
    environment: &HostingEnvironment,
    scope: &str,
    user_assigned: Option<&UserAssigned>,
) -> Result<Outgoing> {
    let resource = scope.strip_suffix("/.default").unwrap_or(scope);
    let names = |client, resource| Names { client, resource };
    let ask =
        |endpoint: &str, version, names: Names, header: (&'static str, &str), id: Option<&UserAssigned>| {
            let mut query = vec![("api-version", version), ("resource", resource)];
            query.extend(id.map(|id| match id {
                UserAssigned::Client(id) => (names.client, id.as_str()),
                UserAssigned::Object(id) => ("object_id", id.as_str()),
                UserAssigned::Resource(id) => (names.resource, id.as_str()),
            }));
            let mut url = parse_url("managed identity endpoint", endpoint)?;
            url.query_pairs_mut().clear().extend_pairs(query);
            let url = checked(url)?;
            let headers = vec![(header.0, Zeroizing::new(header.1.to_owned()))];
            Ok(Outgoing { url, headers, form: None })
        };
    let get = |endpoint: &str, version, names, header| ask(endpoint, version, names, header, user_assigned);
    match environment {
        HostingEnvironment::Imds { endpoint } => {
            get(&format!("{endpoint}{IMDS_PATH}"), "2018-02-01", names("client_id", "msi_res_id"), METADATA)
        }
        HostingEnvironment::ServiceFabric { endpoint, header, .. } => {
            get(endpoint, "2019-07-01-preview", names("client_id", "mi_res_id"), ("Secret", header))
        }
        HostingEnvironment::AppService { endpoint, header } => {
            get(endpoint, "2019-08-01", names("client_id", "mi_res_id"), ("X-IDENTITY-HEADER", header))
        }
        // This endpoint spells `clientid` without an underscore. (The configuration refuses the other two ids.)
        HostingEnvironment::AzureMl { endpoint, secret, default_client_id } => {
            let default = default_client_id.clone().map(UserAssigned::Client);
            let id = user_assigned.or(default.as_ref());
            ask(endpoint, "2017-09-01", names("clientid", "mi_res_id"), ("secret", secret), id)
        }
        HostingEnvironment::Arc { endpoint } => {
            get(endpoint, "2020-06-01", names("client_id", "msi_res_id"), METADATA)
        }
        HostingEnvironment::CloudShell { endpoint } => {
            let form = url_encoded("resource", resource);
            let headers = vec![(METADATA.0, Zeroizing::new(METADATA.1.to_owned()))];
            Ok(Outgoing { url: checked(parse_url("MSI_ENDPOINT", endpoint)?)?, headers, form: Some(form) })
        }
    }
}

fn url_encoded(name: &str, value: &str) -> String {
    let mut url = Url::parse("http://localhost").ok();
    let pair = url.as_mut().map(|url| url.query_pairs_mut().append_pair(name, value).finish().query());
    pair.flatten().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "http://127.0.0.1:1/some/token";

    fn ask(environment: &HostingEnvironment, id: Option<UserAssigned>) -> Outgoing {
        request(environment, "https://redis.azure.com/.default", id.as_ref()).unwrap()
    }

    fn shown(request: &Outgoing) -> String {
        let headers = request.headers.iter().map(|(name, value)| format!("{name}: {}", value.as_str()));
        let parts = [request.url.to_string()].into_iter().chain(headers).chain(request.form.clone());
        parts.collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn each_endpoint_is_asked_in_its_own_words() {
        let secret = |text: &str| Zeroizing::new(text.to_owned());
        let resource = "resource=https%3A%2F%2Fredis.azure.com";
        let endpoint = HERE.to_owned();
        assert_eq!(
            shown(&ask(&HostingEnvironment::Imds { endpoint: "http://127.0.0.1:1/prefix".into() }, None)),
            format!(
                "http://127.0.0.1:1/prefix/metadata/identity/oauth2/token?api-version=2018-02-01&{resource} | \
                 Metadata: true"
            )
        );
        assert_eq!(
            shown(&ask(
                &HostingEnvironment::AppService { endpoint: endpoint.clone(), header: secret("h") },
                None
            )),
            format!("{HERE}?api-version=2019-08-01&{resource} | X-IDENTITY-HEADER: h")
        );
        let ml = |default: Option<&str>| HostingEnvironment::AzureMl {
            endpoint: endpoint.clone(),
            secret: secret("s"),
            default_client_id: default.map(str::to_owned),
        };
        assert_eq!(
            shown(&ask(&ml(Some("d")), Some(UserAssigned::Client("c".into())))),
            format!("{HERE}?api-version=2017-09-01&{resource}&clientid=c | secret: s")
        );
        assert_eq!(
            shown(&ask(&ml(Some("d")), None)),
            format!("{HERE}?api-version=2017-09-01&{resource}&clientid=d | secret: s")
        );
        assert_eq!(
            shown(&ask(&ml(None), None)),
            format!("{HERE}?api-version=2017-09-01&{resource} | secret: s")
        );
        assert_eq!(
            shown(&ask(&HostingEnvironment::Arc { endpoint: endpoint.clone() }, None)),
            format!("{HERE}?api-version=2020-06-01&{resource} | Metadata: true")
        );
        assert_eq!(
            shown(&ask(&HostingEnvironment::CloudShell { endpoint }, None)),
            format!("{HERE} | Metadata: true | {resource}")
        );
    }

    #[test]
    fn an_identity_is_chosen_by_the_names_that_the_endpoint_has() {
        let imds = HostingEnvironment::Imds { endpoint: "http://127.0.0.1:1".into() };
        let app =
            HostingEnvironment::AppService { endpoint: HERE.into(), header: Zeroizing::new("h".into()) };
        let query = |environment, id| {
            ask(environment, Some(id)).url.query().unwrap().rsplit('&').next().unwrap().to_owned()
        };
        let resource = || UserAssigned::Resource("/subscriptions/s/x&y".into());
        assert_eq!(query(&imds, resource()), "msi_res_id=%2Fsubscriptions%2Fs%2Fx%26y");
        assert_eq!(query(&app, resource()), "mi_res_id=%2Fsubscriptions%2Fs%2Fx%26y");
        assert_eq!(query(&imds, UserAssigned::Client("c".into())), "client_id=c");
        assert_eq!(query(&app, UserAssigned::Object("o".into())), "object_id=o");
    }
}
