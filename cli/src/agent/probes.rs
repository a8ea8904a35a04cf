//! What the probes and metrics of the agent's process say: of the agent, and of leases if it makes any.

use entrakey_agent::Agent;
use entrakey_leases::Manager;
use entrakey_service::Health;
use std::sync::Arc;

/// What there is in the process.
pub(super) struct Probes {
    pub(super) agent: Arc<Agent>,
    pub(super) leases: Option<Arc<Manager>>,
}

impl Health for Probes {
    fn readiness(&self) -> Result<(), String> {
        self.agent.readiness()?;
        self.leases
            .as_ref()
            .map_or(Ok(()), |leases| leases.readiness().map_err(|why| format!("leases: {why}")))
    }

    fn metrics(&self) -> (String, &'static str) {
        let (mut text, kind) = self.agent.metrics();
        if let Some(leases) = &self.leases {
            text.truncate(text.trim_end_matches("# EOF\n").len()); // that of leases ends it
            text.push_str(&leases.metrics().0);
        }
        (text, kind)
    }
}
