//! What probes and Prometheus are told.

use crate::manager::Manager;
use entrakey_core::METRICS_CONTENT_TYPE;
use entrakey_service::Health;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::Registry;
use std::sync::atomic::Ordering::Relaxed;

impl Health for Manager {
    fn readiness(&self) -> Result<(), String> {
        self.trouble().map_or(Ok(()), Err)
    }

    fn metrics(&self) -> (String, &'static str) {
        let mut registry = Registry::with_prefix("entrakey_leases");
        let counts = &self.counts;
        for (name, help, count) in [
            ("issued", "Leases that were handed out", &counts.issued),
            ("renewed", "Renewals", &counts.renewed),
            ("revoked", "Leases that were taken back", &counts.revoked),
            ("failed", "Leases that never came into being", &counts.failed),
            (
                "azure_failures",
                "Steps that Azure refused or did not answer, and that are tried again",
                &counts.troubles,
            ),
        ] {
            registry.register(name, help, ConstCounter::new(count.load(Relaxed)));
        }
        let mut whole = String::new();
        let _ = text::encode(&mut whole, &registry); // writing into a String cannot fail
        (whole, METRICS_CONTENT_TYPE)
    }
}
