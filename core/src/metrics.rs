//! The metrics of providers as text that Prometheus scrapes (OpenMetrics 1.0).

use crate::status::{ProviderState, Status};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use std::fmt::{Error, Result};

/// The media type of [`render_metrics`]'s text, for the `Content-Type` header.
pub const METRICS_CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The metrics of several providers of one process as one text. Each series carries the label `provider`:
/// the configuration key `name`, never an object id. Give each provider a name of its own: of several with the
/// same name, or with none, all but the first get a number at its end, in the order given.
#[must_use]
pub fn render_metrics(statuses: Vec<Status>) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Statuses(labelled(statuses))));
    let mut text = String::new();
    match text::encode(&mut text, &registry) {
        Ok(()) => text,
        Err(Error) => String::new(), // writing into a String cannot fail
    }
}

/// Providers that can say something (a closed one cannot), each with a label of its own: Prometheus refuses a
/// text that has a series twice.
fn labelled(statuses: Vec<Status>) -> Vec<(String, Status)> {
    let mut labelled: Vec<(String, Status)> = Vec::new();
    for status in statuses.into_iter().filter(|status| status.state != ProviderState::Closed) {
        let name = status.name.clone().unwrap_or_default();
        let numbered = (2..).map(|number| format!("{name}{number}"));
        let is_free = |label: &String| labelled.iter().all(|(taken, _)| taken != label);
        if let Some(label) = std::iter::once(name.clone()).chain(numbered).find(is_free) {
            labelled.push((label, status));
        }
    }
    labelled
}

#[derive(Debug)]
struct Statuses(Vec<(String, Status)>);

type Labels<'a> = Vec<(&'static str, &'a str)>;

impl Collector for Statuses {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> Result {
        self.gauge(
            &mut to,
            "entrakey_token_expiry_timestamp_seconds",
            "When the token in hand expires.",
            |status| status.expires_unix_ms.map(|at| at as f64 / 1000.0),
        )?;
        self.counter(&mut to, "entrakey_token_refreshes", "Token requests that ended.", |status| {
            let counters = &status.counters;
            let answered = [("success", counters.renewed), ("unchanged", counters.unchanged)];
            let answered =
                answered.map(|(result, count)| (vec![("result", result), ("error_type", "")], count));
            let failed = counters.failures.iter();
            let failed =
                failed.map(|(kind, count)| (vec![("result", "failure"), ("error_type", *kind)], *count));
            answered.into_iter().chain(failed).collect()
        })?;
        self.durations(&mut to)?;
        self.gauge(
            &mut to,
            "entrakey_consecutive_refresh_failures",
            "Failed token requests in a row.",
            |status| Some(status.attempts.into()),
        )?;
        self.counter(&mut to, "entrakey_reauths", "Re-authentications of open connections.", |status| {
            let counters = &status.counters;
            let results = [("accepted", counters.reauths_accepted), ("rejected", counters.reauths_rejected)];
            results.map(|(result, count)| (vec![("result", result)], count)).into()
        })?;
        self.gauge(&mut to, "entrakey_connections", "Open connections that clients report.", |status| {
            Some(status.listeners.connections as f64)
        })?;
        self.gauge(
            &mut to,
            "entrakey_listeners_stale",
            "Connections on an older token that is about to expire.",
            |status| Some(status.listeners.stale as f64),
        )?;
        self.counter(&mut to, "entrakey_auth_rejections", "Tokens that servers refused.", |status| {
            let rejections = status.counters.auth_rejections.iter();
            rejections.map(|(reason, count)| (vec![("reason", *reason)], *count)).collect()
        })?;
        self.gauge(
            &mut to,
            "entrakey_clock_skew_seconds",
            "This machine's clock less the source's.",
            |status| status.clock_skew_ms.map(|skew| skew as f64 / 1000.0),
        )?;
        let mut info =
            to.encode_descriptor("entrakey_build_info", "The version.", None, MetricType::Gauge)?;
        info.encode_family(&[("version", crate::VERSION)])?.encode_gauge(&1_i64)
    }
}

impl Statuses {
    fn each(&self) -> impl Iterator<Item = (&Status, Labels<'_>)> {
        self.0.iter().map(|(label, status)| (status, vec![("provider", label.as_str())]))
    }

    fn gauge(
        &self,
        to: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        value: impl Fn(&Status) -> Option<f64>,
    ) -> Result {
        let mut family = to.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (status, labels) in self.each() {
            if let Some(value) = value(status) {
                family.encode_family(&labels)?.encode_gauge(&value)?;
            }
        }
        Ok(())
    }

    fn counter<'a>(
        &'a self,
        to: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        values: impl Fn(&'a Status) -> Vec<(Labels<'a>, u64)>,
    ) -> Result {
        let mut family = to.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (status, labels) in self.each() {
            for (more, count) in values(status) {
                let labels = [labels.as_slice(), more.as_slice()].concat();
                family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&count, None)?;
            }
        }
        Ok(())
    }

    fn durations(&self, to: &mut DescriptorEncoder<'_>) -> Result {
        let name = "entrakey_token_refresh_duration_seconds";
        let mut family =
            to.encode_descriptor(name, "How long token requests took.", None, MetricType::Histogram)?;
        for (status, labels) in self.each() {
            let durations = &status.counters.refresh_duration;
            let count = durations.classes.iter().map(|(_, count)| count).sum();
            let mut encoder = family.encode_family(&labels)?;
            encoder.encode_histogram::<NoLabelSet>(durations.sum_s, count, &durations.classes, None)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Now;
    use crate::refresh::{Machine, Policy};

    #[test]
    fn the_text_has_every_metric_of_every_provider_under_its_name() {
        let named = |name: &str| {
            let mut status = Machine::new(Policy::default()).status(Now::default());
            status.name = Some(name.to_owned());
            status.expires_unix_ms = Some(1_700_000_000_500);
            status.clock_skew_ms = Some(-1500);
            status.counters.failures.insert("NETWORK", 3);
            status.counters.auth_rejections.insert("no_access_policy", 2);
            status
        };
        let text = render_metrics(vec![named("cache \"one\""), named("two")]);
        for line in [
            r#"entrakey_token_expiry_timestamp_seconds{provider="two"} 1700000000.5"#,
            r#"entrakey_token_refreshes_total{provider="two",result="failure",error_type="NETWORK"} 3"#,
            r#"entrakey_token_refreshes_total{provider="cache \"one\"",result="success",error_type=""} 0"#,
            r#"entrakey_token_refresh_duration_seconds_bucket{le="+Inf",provider="two"} 0"#,
            r#"entrakey_token_refresh_duration_seconds_count{provider="two"} 0"#,
            r#"entrakey_consecutive_refresh_failures{provider="two"} 0"#,
            r#"entrakey_reauths_total{provider="two",result="accepted"} 0"#,
            r#"entrakey_connections{provider="two"} 0"#,
            r#"entrakey_listeners_stale{provider="two"} 0"#,
            r#"entrakey_auth_rejections_total{provider="two",reason="no_access_policy"} 2"#,
            r#"entrakey_clock_skew_seconds{provider="two"} -1.5"#,
        ] {
            assert!(text.lines().any(|found| found.starts_with(line)), "{line} is not in\n{text}");
        }
        assert!(
            text.contains(&format!(r#"entrakey_build_info{{version="{}"}} 1"#, crate::VERSION)),
            "{text}"
        );
        assert!(text.ends_with("# EOF\n"));
        let page = include_str!("../../docs/operation.md");
        for name in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()) {
            assert!(page.contains(&format!("`{name}")), "docs/operation.md says nothing of {name}");
        }
    }

    #[test]
    fn providers_of_one_name_have_series_of_their_own_and_closed_ones_have_none() {
        let status = || Machine::new(Policy::default()).status(Now::default());
        let text = render_metrics(vec![status(), status(), Status::closed(), status()]);
        let series: Vec<_> =
            text.lines().filter(|line| line.starts_with("entrakey_listeners_stale{")).collect();
        let expected =
            ["", "2", "3"].map(|label| format!("entrakey_listeners_stale{{provider=\"{label}\"}} 0.0"));
        assert_eq!(series, expected);
    }
}
