//! The federated token that a cluster would have written for the workload.

use crate::Error;
use crate::home::Home;
use crate::identities::Federated;
use crate::tenant::Tenant;
use crate::tokens::{FederatedClaims, Timing};
use crate::witness::log::Log;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use utoipa::ToSchema;

const FILE: &str = "federated-token";
/// As long as Kubernetes lets one be valid: the file is renewed only on request.
const FEDERATED_LIFETIME_SECONDS: i64 = 24 * 3600;

/// What a new federated token says; what is not given stays as it is registered.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Renewal {
    /// The token's issuer.
    pub issuer: Option<String>,
    /// The token's subject.
    pub subject: Option<String>,
    /// The token's audience.
    pub audience: Option<String>,
    /// Negative for one that has expired already; a day if not given.
    pub lifetime_seconds: i64,
    /// Whether the workload's token file gets it too; true if not given.
    pub write: bool,
}

impl Default for Renewal {
    fn default() -> Self {
        let lifetime_seconds = FEDERATED_LIFETIME_SECONDS;
        Self { issuer: None, subject: None, audience: None, lifetime_seconds, write: true }
    }
}

/// A federated token that was made.
#[derive(Clone, Serialize, ToSchema)]
pub struct FederatedToken {
    /// The token itself.
    pub token: String,
    /// The file that has it.
    pub file: Option<String>,
    /// When it expires, in seconds since the Unix epoch.
    pub expires_on: u64,
}

impl std::fmt::Debug for FederatedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { file, expires_on, .. } = self;
        f.debug_struct("FederatedToken")
            .field("file", file)
            .field("expires_on", expires_on)
            .finish_non_exhaustive()
    }
}

/// The token's file, which is written when its environment is first asked for.
#[derive(Debug)]
pub(crate) struct WorkloadToken {
    home: Arc<Home>,
    log: Log,
    /// Whether the file was written.
    written: Mutex<bool>,
}

impl WorkloadToken {
    pub(crate) fn new(home: Arc<Home>, log: Log) -> Self {
        Self { home, log, written: Mutex::default() }
    }

    /// Where the file is, or will be.
    pub(crate) fn path(home: &Home) -> PathBuf {
        home.path().join(FILE)
    }

    /// Writes the file, if that was not done yet. Takes some hundredths of a second if the issuer has no key yet.
    pub(crate) fn write(&self, tenant: &Tenant) -> Result<(), Error> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if !*written && tenant.directory.workload().is_some() {
            let (token, _) = self.sign(tenant, &Renewal::default())?;
            self.home.write(FILE, &token)?;
            *written = true;
        }
        Ok(())
    }

    /// A new token, also in the file unless it is not wanted there.
    pub(crate) fn renew(&self, tenant: &Tenant, renewal: &Renewal) -> Result<FederatedToken, Error> {
        let (token, expires_on) = self.sign(tenant, renewal)?;
        let mut file = None;
        if renewal.write {
            let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            file = Some(self.home.write(FILE, &token)?.display().to_string());
            *written = true;
        }
        Ok(FederatedToken { token, file, expires_on })
    }

    /// A token and when it expires.
    fn sign(&self, tenant: &Tenant, renewal: &Renewal) -> Result<(String, u64), Error> {
        let (_, registered) = tenant.directory.workload().ok_or_else(|| {
            Error::new(
                "no app has a federated credential that the emulator can sign for: register one (--identities)",
            )
        })?;
        let or_registered =
            |given: &Option<String>, registered: &String| given.as_ref().unwrap_or(registered).clone();
        let federated = Federated {
            issuer: or_registered(&renewal.issuer, &registered.issuer),
            subject: or_registered(&renewal.subject, &registered.subject),
            audience: or_registered(&renewal.audience, &registered.audience),
            service_connection: None,
        };
        let timing = Timing { now: tenant.now(), lifetime: renewal.lifetime_seconds };
        let claims = FederatedClaims::new(&federated, timing);
        let token = tenant.issuer_keys.signing()?.sign(&claims);
        self.log.note(format_args!("a federated token for {}", federated.subject));
        Ok((token.ok_or_else(|| Error::new("the token cannot be signed"))?, claims.exp))
    }
}
