//! Managed identity: what each hosting environment's endpoint wants to be asked.
//!
//! The requests are ours: `azure_identity` would read the environment, also in a forked child and at each
//! request on a thread of ours, would let it override an address that was configured, and knows one
//! address of IMDS only.
//!
//! - IMDS: <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>
//! - App Service: <https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference>
//! - Service Fabric: <https://learn.microsoft.com/azure/service-fabric/how-to-managed-identity-service-fabric-app-code>
//! - Arc: <https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication>

use super::{Source, arc, parse_url};
use crate::config::{Host, Settings, UserAssigned};
use crate::error::Result;
use crate::grant::Grant;
use crate::transport::{Endpoint, Outgoing, Presence, Transport, checked};
use azure_core::http::Url;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

const IMDS_PATH: &str = "/metadata/identity/oauth2/token";
/// A request that was tricked out of a web server would not carry it.
const METADATA: (&str, &str) = ("Metadata", "true");

struct Plain {
    request: Outgoing,
    transport: Transport,
}

impl Source for Plain {
    fn fetch(&self, timeout: Duration) -> Result<Grant> {
        self.transport.fetch(&self.request, timeout)
    }
}

pub(super) fn source(
    settings: &Arc<Settings>,
    host: &Host,
    user_assigned: Option<&UserAssigned>,
) -> Result<Box<dyn Source>> {
    let transport = match host {
        Host::ServiceFabric { thumbprint, .. } => {
            Transport::new(endpoint(host), settings.clone()).pinned(*thumbprint)
        }
        _ => Transport::new(endpoint(host), settings.clone()),
    };
    let request = request(host, &settings.scope, user_assigned)?;
    Ok(match host {
        Host::Arc { .. } => Box::new(arc::Challenged::new(request, transport)),
        _ => Box::new(Plain { request, transport }),
    })
}

fn endpoint(host: &Host) -> Endpoint {
    match host {
        Host::Imds { .. } => Endpoint::ManagedIdentity,
        Host::ServiceFabric { .. } => Endpoint::ServiceFabric,
        Host::AppService { .. } => Endpoint::AppService,
        Host::AzureMl { .. } => Endpoint::AzureMl,
        Host::Arc { .. } => Endpoint::Arc,
        Host::CloudShell { .. } => Endpoint::CloudShell,
    }
}

/// Whether an endpoint is there at all. Only IMDS has to be asked: the others are named by the environment.
pub(super) struct Probe {
    request: Outgoing,
    transport: Transport,
}

pub(super) fn probe(settings: &Arc<Settings>, host: &Host) -> Result<Option<Probe>> {
    let Host::Imds { endpoint } = host else { return Ok(None) };
    let url = checked(parse_url("imds_endpoint", &format!("{endpoint}{IMDS_PATH}"))?)?;
    // Without the header it asks for nothing: IMDS refuses it at once.
    let request = Outgoing { url, headers: Vec::new(), form: None };
    Ok(Some(Probe { request, transport: Transport::new(Endpoint::ManagedIdentity, settings.clone()) }))
}

impl Probe {
    /// Who is there. An error is this machine's own trouble and says nothing about that. Blocks for `timeout` at
    /// most.
    pub(super) fn presence(&self, timeout: Duration) -> Result<Presence> {
        self.transport.knock(&self.request, timeout)
    }
}

/// The names that an endpoint has for the ways to choose an identity.
struct Names {
    client: &'static str,
    resource: &'static str,
}

fn request(host: &Host, scope: &str, user_assigned: Option<&UserAssigned>) -> Result<Outgoing> {
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
    match host {
        Host::Imds { endpoint } => {
            get(&format!("{endpoint}{IMDS_PATH}"), "2018-02-01", names("client_id", "msi_res_id"), METADATA)
        }
        Host::ServiceFabric { endpoint, header, .. } => {
            get(endpoint, "2019-07-01-preview", names("client_id", "mi_res_id"), ("Secret", header))
        }
        Host::AppService { endpoint, header } => {
            get(endpoint, "2019-08-01", names("client_id", "mi_res_id"), ("X-IDENTITY-HEADER", header))
        }
        // Without an underscore. (core::config refuses the other two ids.)
        Host::AzureMl { endpoint, secret, default_client_id } => {
            let default = default_client_id.clone().map(UserAssigned::Client);
            let id = user_assigned.or(default.as_ref());
            ask(endpoint, "2017-09-01", names("clientid", "mi_res_id"), ("secret", secret), id)
        }
        Host::Arc { endpoint } => get(endpoint, "2020-06-01", names("client_id", "msi_res_id"), METADATA),
        Host::CloudShell { endpoint } => {
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

    fn ask(host: &Host, id: Option<UserAssigned>) -> Outgoing {
        request(host, "https://redis.azure.com/.default", id.as_ref()).unwrap()
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
            shown(&ask(&Host::Imds { endpoint: "http://127.0.0.1:1/prefix".into() }, None)),
            format!(
                "http://127.0.0.1:1/prefix/metadata/identity/oauth2/token?api-version=2018-02-01&{resource} | \
                 Metadata: true"
            )
        );
        assert_eq!(
            shown(&ask(&Host::AppService { endpoint: endpoint.clone(), header: secret("h") }, None)),
            format!("{HERE}?api-version=2019-08-01&{resource} | X-IDENTITY-HEADER: h")
        );
        let ml = |default: Option<&str>| Host::AzureMl {
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
            shown(&ask(&Host::Arc { endpoint: endpoint.clone() }, None)),
            format!("{HERE}?api-version=2020-06-01&{resource} | Metadata: true")
        );
        assert_eq!(
            shown(&ask(&Host::CloudShell { endpoint }, None)),
            format!("{HERE} | Metadata: true | {resource}")
        );
    }

    #[test]
    fn an_identity_is_chosen_by_the_names_that_the_endpoint_has() {
        let imds = Host::Imds { endpoint: "http://127.0.0.1:1".into() };
        let app = Host::AppService { endpoint: HERE.into(), header: Zeroizing::new("h".into()) };
        let query =
            |host, id| ask(host, Some(id)).url.query().unwrap().rsplit('&').next().unwrap().to_owned();
        let resource = || UserAssigned::Resource("/subscriptions/s/x&y".into());
        assert_eq!(query(&imds, resource()), "msi_res_id=%2Fsubscriptions%2Fs%2Fx%26y");
        assert_eq!(query(&app, resource()), "mi_res_id=%2Fsubscriptions%2Fs%2Fx%26y");
        assert_eq!(query(&imds, UserAssigned::Client("c".into())), "client_id=c");
        assert_eq!(query(&app, UserAssigned::Object("o".into())), "object_id=o");
    }
}
