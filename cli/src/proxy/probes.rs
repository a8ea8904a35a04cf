//! What the proxy's probes and metrics say.

use super::metrics;
use super::service::Service;
use entrakey_core::Provider;
use entrakey_service::{Connections, Health};
use std::sync::Arc;

/// What is known of the process.
pub(super) struct Probes {
    pub(super) services: Vec<Arc<Service>>,
    pub(super) providers: Vec<Provider>,
    pub(super) connections: Connections,
}

impl Health for Probes {
    /// No server is dialled: probes that did filled logs and made outages worse.
    fn readiness(&self) -> Result<(), String> {
        if let Some(full) = self.connections.full() {
            return Err(full.to_string());
        }
        let without = self.providers.iter().find(|provider| provider.with_usable(|_| ()).is_none());
        let Some(provider) = without else { return Ok(()) };
        let status = provider.status();
        let of = status.name.map(|name| format!(" of {name}")).unwrap_or_default();
        let last =
            status.last_error.map(|error| format!(" ({}, see the log)", error.kind)).unwrap_or_default();
        Err(format!("no usable token{of}{last}"))
    }

    fn metrics(&self) -> (String, &'static str) {
        metrics::render(&self.services, &self.providers)
    }
}
