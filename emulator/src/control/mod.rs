//! The operations on a running emulator, once for the control API and for Rust.

mod clock;
mod keys;

pub use clock::{ClockChange, ClockState};
pub use keys::{KeySet, KeyState, Rotation};

use crate::Error;
use crate::arm::ResourceManager;
use crate::environment::{Environments, KINDS, Variables, prepare};
use crate::graph::GraphSettings;
use crate::redis::Plane;
use crate::scripts::Scripts;
use crate::scripts::faults::{FaultQueues, Script};
use crate::tenant::Tenant;
use crate::witness::Witness;
use crate::witness::requests::Requests;
use crate::witness::stats::Counts;
use crate::workload::{FederatedToken, Renewal, WorkloadToken};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// What the control API controls.
pub(crate) struct Control {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) scripts: Arc<Scripts>,
    pub(crate) witness: Arc<Witness>,
    pub(crate) workload: WorkloadToken,
    pub(crate) redis: Arc<Plane>,
    pub(crate) environments: Environments,
    pub(crate) manager: Arc<ResourceManager>,
}

/// Which limits hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Those of IMDS: 20 requests a second and 5 at a time, by the system's clock.
    pub imds: bool,
}

impl Control {
    pub(crate) fn stats(&self) -> Counts {
        self.witness.stats.snapshot()
    }

    /// The variables of an environment, once the files that they name are there.
    pub(crate) async fn environment(self: &Arc<Self>, kind: &str) -> Result<Variables, Error> {
        let Some(variables) = self.environments.get(kind) else {
            let known = KINDS.map(|(name, _)| name).join(", ");
            return Err(Error::new(match KINDS.iter().any(|(name, _)| *name == kind) {
                true => format!(
                    "the identities have nobody for the environment {kind}: add one, or choose another"
                ),
                false => format!("there is no environment '{kind}'; there are {known}"),
            }));
        };
        let (control, name) = (self.clone(), kind.to_owned());
        blocking(move || prepare(&name, &control.tenant, &control.workload)).await?;
        Ok(variables.clone())
    }

    pub(crate) fn faults(&self) -> FaultQueues {
        self.scripts.faults.waiting()
    }

    pub(crate) fn add_faults(&self, script: Script) -> Result<FaultQueues, Error> {
        self.scripts.faults.add(script)?;
        Ok(self.faults())
    }

    pub(crate) fn requests(&self, route: Option<&str>) -> Requests {
        self.witness.requests.list(route)
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits { imds: self.scripts.imds_limits.are_on() }
    }

    pub(crate) fn set_limits(&self, limits: Limits) {
        self.scripts.imds_limits.set(limits.imds);
        self.witness.log.note(format_args!("the limits of IMDS: {}", if limits.imds { "on" } else { "off" }));
    }

    pub(crate) fn set_graph_settings(&self, settings: GraphSettings) -> Result<GraphSettings, Error> {
        if !(1..=999).contains(&settings.page_size) {
            return Err(Error::new("a page has between 1 and 999 users"));
        }
        self.tenant.graph.set_settings(settings);
        Ok(settings)
    }

    pub(crate) async fn federated_token(self: &Arc<Self>, renewal: Renewal) -> Result<FederatedToken, Error> {
        let control = self.clone();
        blocking(move || control.workload.renew(&control.tenant, &renewal)).await
    }
}

/// Runs what makes keys elsewhere than where requests are answered.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::new(format!("the emulator is ending: {error}")))?
}
