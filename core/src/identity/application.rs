//! An application signs in for itself: the OAuth 2.0 client credentials grant, with a secret or a client
//! assertion.
//!
//! - <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>
//! - Federated credentials: <https://learn.microsoft.com/entra/workload-id/workload-identity-federation>

use super::arguments::{parse_url, refused_arguments};
use super::certificate::{self, Signer};
use super::credential_file::{self, Stamp};
use super::pipelines;
use super::source::Source;
use crate::claims::Claims;
use crate::clock::unix_now;
use crate::config::{Application, Proof, SecretLocation, Settings};
use crate::error::{Error, ErrorKind, Result};
use crate::grant::Grant;
use crate::transport::{Endpoint, Transport, checked, exchange};
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::{ClientMethodOptions, ClientOptions, Transport as UpstreamTransport};
use azure_identity::{
    ClientAssertion, ClientAssertionCredential, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions,
};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Makes a credential of upstream's for each request: what proves the application may have changed since the last one,
/// and a forked child inherits no credential.
struct ApplicationSource {
    application: Arc<Application>,
    scope: String,
    transport: Arc<Transport>,
    signer: Signer,
}

/// What proves the application in one request.
enum Credential {
    Secret(Zeroizing<String>),
    Assertion(Zeroizing<String>),
}

impl Credential {
    fn text(&self) -> &str {
        match self {
            Self::Secret(text) | Self::Assertion(text) => text,
        }
    }
}

impl ApplicationSource {
    fn upstream_credential(&self, credential: &Credential) -> Result<Arc<dyn TokenCredential>> {
        let (tenant, client) = (&self.application.tenant_id, self.application.client_id.clone());
        let client_options = self.client_options();
        let made: azure_core::Result<Arc<dyn TokenCredential>> = match credential {
            Credential::Secret(secret) => {
                let options = ClientSecretCredentialOptions { client_options };
                let secret = Secret::new(secret.as_str().to_owned());
                ClientSecretCredential::new(tenant, client, secret, Some(options)).map(|made| made as _)
            }
            Credential::Assertion(assertion) => {
                let options = ClientAssertionCredentialOptions { client_options };
                let assertion = Ready(assertion.clone());
                ClientAssertionCredential::new(tenant.clone(), client, assertion, Some(options))
                    .map(|made| made as _)
            }
        };
        made.map_err(|error| refused_arguments(&error))
    }

    fn client_options(&self) -> ClientOptions {
        // The authority is always given: without one, upstream reads the environment or its own table.
        let mut cloud = CustomConfiguration::default();
        cloud.authority_host.clone_from(&self.application.authority_host);
        ClientOptions {
            cloud: Some(Arc::new(CloudConfiguration::Custom(cloud))),
            transport: Some(UpstreamTransport::new(self.transport.clone())),
            ..ClientOptions::default()
        }
    }

    fn attempt(&self, timeout: Duration) -> Result<Grant> {
        let start = Instant::now();
        let credential = self.credential(timeout)?;
        let upstream = self.upstream_credential(&credential)?;
        let left = timeout.saturating_sub(start.elapsed());
        let outcome = exchange(left, upstream.get_token(&[&self.scope], None));
        outcome.map_err(|error| self.explain_times(error, &credential).hiding(&[credential.text()]))
    }

    /// Adds to an error why an assertion that somebody else made is out of its time, as the assertion itself says.
    fn explain_times(&self, error: Error, credential: &Credential) -> Error {
        if !is_out_of_time(&error) {
            return error;
        }
        let (what, remedy) = match &self.application.proof {
            Proof::AssertionFile { key, path } => {
                let written =
                    credential_file::age(path).map_or("at a time that is not known".to_owned(), ago);
                let what =
                    format!("the token in the file {} ({key}), last written {written},", path.display());
                (what, "is whoever renews the file (the kubelet, a webhook, a job) still doing so?")
            }
            Proof::Callback(_) => (
                "the assertion that the callback gave".to_owned(),
                "it has to give a fresh one at each call.",
            ),
            Proof::Pipelines(_) => ("the token that Azure Pipelines gave".to_owned(), "start the job again."),
            Proof::Secret(_) | Proof::Certificate(_) => return error,
        };
        let claims = Claims::parse(credential.text()).unwrap_or_default();
        // Entra's clock decided, so its time is used as far as it is known.
        let now = i64::try_from(unix_now().as_millis()).unwrap_or(i64::MAX);
        let now = now.saturating_sub(self.transport.skew_ms()) / 1000;
        let moment = |claim: Option<u64>| claim.and_then(|moment| i64::try_from(moment).ok());
        let over = moment(claims.expires_at).map(|end| now - end).filter(|over| *over >= 0);
        let early = moment(claims.not_before.or(claims.issued_at))
            .map(|start| start - now)
            .filter(|early| *early > 0);
        match (over, early) {
            (Some(over), _) => error.with_remedy(&format!("{what} ended {}: {remedy}", ago(seconds(over)))),
            (None, Some(early)) => error.with_remedy(&format!(
                "{what} becomes valid only in {early} s: check the clock of the machine that issued it, and this \
                 one's."
            )),
            (None, None) => error,
        }
    }

    fn credential(&self, timeout: Duration) -> Result<Credential> {
        match &self.application.proof {
            Proof::Secret(SecretLocation::Inline(secret)) => Ok(Credential::Secret(secret.clone())),
            Proof::Secret(SecretLocation::File { key, path }) => {
                credential_file::read(key, path).map(Credential::Secret)
            }
            Proof::Certificate(settings) => self
                .signer
                .assertion(&self.application, settings, self.transport.skew_ms())
                .map(Credential::Assertion),
            Proof::AssertionFile { key, path } => credential_file::read(key, path).map(Credential::Assertion),
            Proof::Callback(callback) => callback
                .ask(None, timeout)
                .and_then(|supplied| check_jwt(supplied.secret))
                .map(Credential::Assertion),
            Proof::Pipelines(job) => {
                pipelines::assertion(job, &self.transport, timeout).map(Credential::Assertion)
            }
        }
    }
}

/// Entra minds a difference of the clocks only after minutes.
const NOTABLE_SKEW_MS: u64 = 60_000;

fn seconds(count: i64) -> Duration {
    Duration::from_secs(count.unsigned_abs())
}

/// A past moment as a person would say it.
fn ago(past: Duration) -> String {
    match past.as_secs() {
        seconds @ ..120 => format!("{seconds} s ago"),
        seconds @ ..7200 => format!("{} minutes ago", seconds / 60),
        seconds @ ..172_800 => format!("{} hours ago", seconds / 3600),
        seconds => format!("{} days ago", seconds / 86_400),
    }
}

/// Whether Entra refused an assertion for its times.
fn is_out_of_time(error: &Error) -> bool {
    error.aadsts() == Some(700_024)
}

impl Source for ApplicationSource {
    fn fetch(&self, timeout: Duration) -> Result<Grant> {
        let start = Instant::now();
        let believed_skew_ms = self.transport.skew_ms();
        let outcome = self.attempt(timeout);
        let is_signed_here = matches!(self.application.proof, Proof::Certificate(_));
        let found_skew_ms = self.transport.skew_ms().abs_diff(believed_skew_ms);
        if is_signed_here && found_skew_ms >= NOTABLE_SKEW_MS && outcome.as_ref().is_err_and(is_out_of_time) {
            return self.attempt(timeout.saturating_sub(start.elapsed()));
        }
        outcome
    }

    fn stamp(&self) -> Option<Stamp> {
        match &self.application.proof {
            Proof::Secret(SecretLocation::File { path, .. }) | Proof::AssertionFile { path, .. } => {
                credential_file::stamp([path.as_path()])
            }
            Proof::Certificate(settings) => certificate::stamp(settings),
            Proof::Secret(SecretLocation::Inline(_)) | Proof::Pipelines(_) | Proof::Callback(_) => None,
        }
    }
}

/// The assertion that a callback gave, if it is a JWT: three parts with dots between them. Entra need not be asked about
/// anything else.
fn check_jwt(assertion: Zeroizing<String>) -> Result<Zeroizing<String>> {
    let is_jwt =
        assertion.split('.').count() == 3 && !assertion.contains(|c: char| c.is_control() || c == ' ');
    if is_jwt {
        return Ok(assertion);
    }
    let message = "The assertion callback gave something that is not a JWT.";
    Err(Error::new(ErrorKind::CallbackFailed, message).with_retriable(false))
}

/// An assertion that is there already.
struct Ready(Zeroizing<String>);

#[async_trait::async_trait]
impl ClientAssertion for Ready {
    async fn secret(&self, _options: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        Ok(self.0.as_str().to_owned())
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ready")
    }
}

pub(super) fn source(settings: &Arc<Settings>, application: &Arc<Application>) -> Result<Box<dyn Source>> {
    let source = ApplicationSource {
        application: application.clone(),
        scope: settings.scope.clone(),
        transport: Arc::new(Transport::new(Endpoint::Entra, settings.clone())),
        signer: Signer::default(),
    };
    let endpoint = format!("{}/{}/oauth2/v2.0/token", application.authority_host, application.tenant_id);
    checked(parse_url("authority_host with tenant_id", &endpoint)?)?;
    // Upstream checks its arguments here, and not only at the first request.
    source.upstream_credential(&Credential::Secret(Zeroizing::new("not the secret".to_owned())))?;
    Ok(Box::new(source))
}
