//! Azure Pipelines: the job's own token is exchanged for a client assertion of a service connection.
//!
//! <https://learn.microsoft.com/azure/devops/pipelines/release/configure-workload-identity>. Not upstream's
//! `AzurePipelinesCredential`: it reads the environment whenever it is made.

use super::arguments::parse_url;
use crate::config::PipelineJob;
use crate::error::{Error, ErrorKind, Result};
use crate::transport::{Outgoing, Transport, checked};
use std::time::Duration;
use zeroize::Zeroizing;

const API_VERSION: &str = "7.1";

pub(super) fn assertion(
    job: &PipelineJob,
    transport: &Transport,
    timeout: Duration,
) -> Result<Zeroizing<String>> {
    let mut url = parse_url("oidc_request_uri", &job.request_uri)?;
    url.query_pairs_mut()
        .append_pair("api-version", API_VERSION)
        .append_pair("serviceConnectionId", &job.service_connection_id);
    let headers = vec![
        ("Authorization", Zeroizing::new(format!("Bearer {}", job.access_token.as_str()))),
        // With this header a refusal is an answer, and not a page to sign in on.
        ("X-TFS-FedAuthRedirect", Zeroizing::new("Suppress".to_owned())),
    ];
    let request = Outgoing { url: checked(url)?, headers, form: Some(String::new()) };
    transport.fetch_text(&request, "oidcToken", timeout).map_err(explained)
}

/// Azure Pipelines refuses with a page or a redirect to sign in, and neither says what to do.
fn explained(error: Error) -> Error {
    match error.http_status() {
        Some(status @ (203 | 300..=399 | 401 | 403 | 404)) => {
            let message = format!(
                "Azure Pipelines issued no token (status {status}): check system_access_token (map SYSTEM_ACCESSTOKEN: \
                 $(System.AccessToken) in the step) and service_connection_id."
            );
            Error::new(ErrorKind::AuthRejected, message).with_status(status)
        }
        _ => error,
    }
}
