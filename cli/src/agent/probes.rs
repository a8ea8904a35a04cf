//! What the probes and metrics of the agent's process say: of the agent, and of leases if it makes any.

use super::leases::Begun;
use entrakey_agent::Agent;
use entrakey_service::Health;
use std::sync::Arc;

/// What there is in the process.
pub(super) struct Probes {
    pub(super) agent: Arc<Agent>,
    pub(super) leases: Option<Begun>,
}

impl Health for Probes {
    fn readiness(&self) -> Result<(), String> {
        self.agent.readiness()?;
        let Some(leases) = &self.leases else { return Ok(()) };
        let leases = leases.get().ok_or("leases: they have not begun, see the log")?;
        leases.readiness().map_err(|why| format!("leases: {why}"))
    }

    fn metrics(&self) -> (String, &'static str) {
        let (mut text, kind) = self.agent.metrics();
        if let Some(leases) = self.leases.as_ref().and_then(|leases| leases.get()) {
            text.truncate(text.trim_end_matches("# EOF\n").len()); // that of leases ends it
            text.push_str(&leases.metrics().0);
        }
        (text, kind)
    }
}
