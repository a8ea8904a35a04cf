//! What the proxies of this process have counted, as text for Prometheus.

use super::service::Service;
use entrakey_core::{METRICS_CONTENT_TYPE, Provider, render_metrics};
use entrakey_proxy::Counts;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// The text, with core's own metrics of the providers, and its media type.
pub(super) fn render(services: &[Arc<Service>], providers: &[Provider]) -> (String, &'static str) {
    let of_providers = render_metrics(providers.iter().map(Provider::status).collect());
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Readings(
        services.iter().map(|service| Reading::of(service)).collect(),
    )));
    let mut whole = of_providers.trim_end_matches("# EOF\n").to_owned();
    match text::encode(&mut whole, &registry) {
        Ok(()) | Err(fmt::Error) => (whole, METRICS_CONTENT_TYPE), // writing into a String cannot fail
    }
}

#[derive(Debug)]
struct Readings(Vec<Reading>);

#[derive(Debug)]
struct Reading {
    upstream: String,
    counts: Counts,
    /// Turned away before the proxy saw them, by reason.
    refused: [(&'static str, u64); 3],
}

impl Reading {
    fn of(service: &Service) -> Self {
        let refused = &service.refused;
        let refused = [("full", &refused.full), ("user", &refused.user), ("client_tls", &refused.tls)];
        Self {
            upstream: service.name.clone(),
            counts: service.server.proxy.observe().counts(),
            refused: refused.map(|(reason, count)| (reason, count.load(Relaxed))),
        }
    }
}

type Values<'a> = Vec<(&'a str, u64)>;

impl Collector for Readings {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> fmt::Result {
        let to = &mut to;
        self.gauge(to, "connections", "Open connections of clients.", "state", |one| {
            one.counts.connections.to_vec()
        })?;
        self.counter(to, "accepted", "Connections of clients.", "", |one| vec![("", one.counts.accepted)])?;
        self.counter(to, "refused", "Clients that were turned away.", "reason", |one| {
            one.counts.refused.iter().copied().chain(one.refused).collect()
        })?;
        self.counter(to, "reauth", "Re-authentications of open connections.", "result", |one| {
            one.counts.reauth.to_vec()
        })?;
        self.gauge(to, "reauth_pending", "Connections that a newer token waits for.", "", |one| {
            vec![("", one.counts.reauth_pending)]
        })?;
        self.counter(to, "bytes", "Bytes carried.", "direction", |one| one.counts.bytes.to_vec())?;
        let closed = "Upstream connections that ended.";
        self.counter(to, "upstream_closed", closed, "by", |one| one.counts.upstream_closed.to_vec())?;
        self.connect_times(to)
    }
}

impl Readings {
    fn gauge(
        &self,
        to: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        label: &str,
        values: impl Fn(&Reading) -> Values<'_>,
    ) -> fmt::Result {
        self.family(to, (name, help, MetricType::Gauge), label, values, |mut to, count| {
            to.encode_gauge(&(count as f64))
        })
    }

    fn counter(
        &self,
        to: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        label: &str,
        values: impl Fn(&Reading) -> Values<'_>,
    ) -> fmt::Result {
        self.family(to, (name, help, MetricType::Counter), label, values, |mut to, count| {
            to.encode_counter::<NoLabelSet, _, u64>(&count, None)
        })
    }

    fn family(
        &self,
        to: &mut DescriptorEncoder<'_>,
        (name, help, kind): (&str, &str, MetricType),
        label: &str,
        values: impl Fn(&Reading) -> Values<'_>,
        encode: impl Fn(MetricEncoder<'_>, u64) -> fmt::Result,
    ) -> fmt::Result {
        let name = format!("entrakey_proxy_{name}");
        let mut family = to.encode_descriptor(&name, help, None, kind)?;
        for one in &self.0 {
            for (value, count) in values(one) {
                encode(family.encode_family(&one.labels(label, value))?, count)?;
            }
        }
        Ok(())
    }

    fn connect_times(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "How long it took to connect and authenticate to the server.";
        let name = "entrakey_proxy_upstream_connect_seconds";
        let mut family = to.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for one in &self.0 {
            let times = &one.counts.connect_times;
            // The encoder adds the classes up by itself.
            let (mut before, mut classes) = (0, Vec::new());
            for (bound, so_far) in times.buckets.iter().copied().chain([(f64::INFINITY, times.count)]) {
                classes.push((bound, so_far.saturating_sub(before)));
                before = so_far;
            }
            let labels = one.labels("", "");
            let mut encoder = family.encode_family(&labels)?;
            encoder.encode_histogram::<NoLabelSet>(times.sum_seconds, times.count, &classes, None)?;
        }
        Ok(())
    }
}

impl Reading {
    fn labels<'a>(&'a self, label: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
        let more = (!label.is_empty()).then_some((label, value));
        std::iter::once(("upstream", self.upstream.as_str())).chain(more).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use entrakey_core::Config;
    use entrakey_proxy::{Options, Proxy, Upstream};

    #[test]
    fn the_documentation_has_every_metric_with_every_reason() {
        let mut config = Config::new();
        config.set("identity", "managed_identity").unwrap();
        let provider = Provider::new(&config).unwrap();
        let upstream = Upstream::plaintext("localhost", 1).unwrap();
        let counts = Proxy::new(upstream, provider, Options::default()).observe().counts();
        let refused = [("full", 0), ("user", 0), ("client_tls", 0)];
        let reading = Reading { upstream: "localhost:1".to_owned(), counts, refused };
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Readings(vec![reading])));
        let mut text = String::new();
        text::encode(&mut text, &registry).unwrap();
        let page = include_str!("../../../docs/proxy.md");
        for name in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()) {
            assert!(page.contains(&format!("`{name}")), "docs/proxy.md says nothing of {name}");
        }
        for reason in text.split("reason=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(page.contains(&format!("`{reason}`")), "docs/proxy.md says nothing of {reason}");
        }
    }
}
