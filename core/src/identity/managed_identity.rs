//! Managed identity through the instance metadata service (IMDS) of an Azure machine.
//!
//! <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>
//!
//! The request is ours: `azure_identity` would read the environment, also in a forked child and at each
//! request on a thread of ours, would let it override an address that was configured, and knows one
//! address of IMDS only.

use super::Source;
use crate::config::{Settings, UserAssigned};
use crate::error::{Error, ErrorKind, Result};
use crate::grant::Grant;
use crate::transport::{Endpoint, Transport};
use azure_core::http::Url;
use std::sync::Arc;
use std::time::Duration;

const PATH: &str = "/metadata/identity/oauth2/token";
const API_VERSION: &str = "2018-02-01";
/// Without it IMDS refuses: a request that was tricked out of a web server would not carry it.
const METADATA: (&str, &str) = ("Metadata", "true");

struct Imds {
    url: Url,
    transport: Transport,
}

impl Source for Imds {
    fn fetch(&self, timeout: Duration) -> Result<Grant> {
        self.transport.get(&self.url, METADATA, timeout)
    }
}

pub(super) fn source(
    settings: &Arc<Settings>,
    endpoint: &str,
    user_assigned: Option<&UserAssigned>,
) -> Result<Box<dyn Source>> {
    let url = url(endpoint, &settings.scope, user_assigned)?;
    Ok(Box::new(Imds { url, transport: Transport::new(Endpoint::ManagedIdentity, settings.clone()) }))
}

fn url(endpoint: &str, scope: &str, user_assigned: Option<&UserAssigned>) -> Result<Url> {
    let mut url = Url::parse(endpoint)
        .map_err(|error| Error::new(ErrorKind::InvalidConfig, format!("imds_endpoint: {error}.")))?;
    url.set_path(&format!("{}{PATH}", url.path().trim_end_matches('/')));
    let mut query = url.query_pairs_mut();
    query.clear().append_pair("api-version", API_VERSION);
    query.append_pair("resource", scope.strip_suffix("/.default").unwrap_or(scope));
    match user_assigned {
        None => {}
        Some(UserAssigned::Client(id)) => drop(query.append_pair("client_id", id)),
        Some(UserAssigned::Object(id)) => drop(query.append_pair("object_id", id)),
        Some(UserAssigned::Resource(id)) => drop(query.append_pair("msi_res_id", id)),
    }
    drop(query);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_names_resource_and_identity() {
        let scope = "https://redis.azure.com/.default";
        let ask = |endpoint, id: Option<UserAssigned>| url(endpoint, scope, id.as_ref()).unwrap().to_string();
        assert_eq!(
            ask("http://127.0.0.1:1/prefix/", None),
            "http://127.0.0.1:1/prefix/metadata/identity/oauth2/token?api-version=2018-02-01\
             &resource=https%3A%2F%2Fredis.azure.com"
        );
        let resource = "/subscriptions/s/x&y";
        let asked = ask("http://127.0.0.1:1", Some(UserAssigned::Resource(resource.into())));
        assert!(asked.ends_with("&msi_res_id=%2Fsubscriptions%2Fs%2Fx%26y"), "{asked}");
        assert!(ask("http://127.0.0.1:1", Some(UserAssigned::Client("c".into()))).ends_with("&client_id=c"));
        assert!(ask("http://127.0.0.1:1", Some(UserAssigned::Object("o".into()))).ends_with("&object_id=o"));
    }
}
