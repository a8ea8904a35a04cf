//! What an agent has counted, as text for Prometheus.

use crate::agent::Agent;
use entrakey_core::{METRICS_CONTENT_TYPE, render_metrics};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::atomic::Ordering::Relaxed;

/// The text, with core's own metrics of the providers, and its media type.
pub(crate) fn render(agent: &Agent) -> (String, &'static str) {
    let supplies: Vec<_> = agent.identities().iter().flat_map(|identity| identity.supplies()).collect();
    let of_providers = render_metrics(supplies.iter().map(|supply| supply.provider.status()).collect());
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Reading::of(agent)));
    let mut whole = of_providers.trim_end_matches("# EOF\n").to_owned();
    match text::encode(&mut whole, &registry) {
        Ok(()) | Err(fmt::Error) => (whole, METRICS_CONTENT_TYPE), // writing into a String cannot fail
    }
}

/// A name without the prefix, what it means, and whether it only grows.
type Kind = (&'static str, &'static str, MetricType);
/// Labels and a count.
type Value = (Vec<(&'static str, String)>, u64);

#[derive(Debug)]
struct Reading(Vec<(Kind, Vec<Value>)>);

const CONNECTIONS: Kind = ("connections", "Open connections of clients.", MetricType::Gauge);
const REQUESTS: Kind = ("requests", "Requests for tokens that were let through.", MetricType::Counter);
const HANDED_OUT: Kind = ("handed_out", "Tokens handed out.", MetricType::Counter);
const REFUSED: Kind = ("refused", "Requests and connections that were turned away.", MetricType::Counter);
const FILES: Kind = ("token_files_written", "Token files written.", MetricType::Counter);
const RELOADS: Kind = ("reloads", "Times that the files were read again.", MetricType::Counter);

impl Reading {
    fn of(agent: &Agent) -> Self {
        let one = |label: &'static str, value: &str, count: u64| (vec![(label, value.to_owned())], count);
        let counts = &agent.counts;
        let (mut requests, mut handed_out) = (Vec::new(), Vec::new());
        for client in agent.clients() {
            for (result, count) in [("handed_out", &client.handed_out), ("unavailable", &client.unavailable)]
            {
                let labels = vec![("client", client.name.clone()), ("result", result.to_owned())];
                requests.push((labels, count.load(Relaxed)));
            }
        }
        for identity in agent.identities() {
            for supply in identity.supplies() {
                let labels = vec![("identity", identity.id.clone()), ("resource", supply.resource.clone())];
                handed_out.push((labels, supply.handed_out.load(Relaxed)));
            }
        }
        Self(vec![
            (
                CONNECTIONS,
                [("unix", &agent.unix_places), ("app_service", &agent.tcp_places)]
                    .map(|(by, places)| one("by", by, u64::try_from(places.count()).unwrap_or(u64::MAX)))
                    .to_vec(),
            ),
            (REQUESTS, requests),
            (HANDED_OUT, handed_out),
            (REFUSED, counts.refused().into_iter().map(|(why, count)| one("reason", why, count)).collect()),
            (
                FILES,
                vec![
                    one("result", "ok", counts.files_written.load(Relaxed)),
                    one("result", "failed", counts.files_failed.load(Relaxed)),
                ],
            ),
            (
                RELOADS,
                vec![
                    one("result", "ok", counts.reloaded.load(Relaxed)),
                    one("result", "failed", counts.reload_failed.load(Relaxed)),
                ],
            ),
        ])
    }
}

impl Collector for Reading {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> fmt::Result {
        for ((name, help, kind), values) in &self.0 {
            let name = format!("entrakey_agent_{name}");
            let mut family = to.encode_descriptor(&name, help, None, *kind)?;
            for (labels, count) in values {
                let labels: Vec<_> = labels.iter().map(|(label, value)| (*label, value.as_str())).collect();
                let mut one = family.encode_family(&labels)?;
                match kind {
                    MetricType::Gauge => one.encode_gauge(&(*count as f64))?,
                    _ => one.encode_counter::<NoLabelSet, _, u64>(count, None)?,
                }
            }
        }
        Ok(())
    }
}
