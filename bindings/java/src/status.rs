//! What a provider says of itself.

use crate::wire::Writer;
use entrakey_core::{ProviderState, Status};

/// The status as the bytes that Java reads, the counters by their names, and all of it as JSON.
pub(crate) fn encoded(status: &Status) -> Vec<u8> {
    let error = status.last_error.as_ref();
    let skew = status.clock_skew_ms;
    let written = Writer::new(b'S')
        .optional_text(status.name.as_deref())
        .text(state(status.state))
        .flag(status.ready)
        .count(status.version)
        .optional_count(status.token_age_ms)
        .optional_count(status.validity_left_ms)
        .optional_count(status.expires_unix_ms)
        .optional_count(status.next_refresh_in_ms)
        .flag(status.refreshing)
        .count(status.attempts.into())
        .optional_text(error.map(|error| error.kind))
        .optional_text(error.map(|error| error.message.as_str()))
        .optional_count(error.map(|error| error.unix_ms))
        .flag(skew.is_some())
        .number(skew.unwrap_or(0))
        .count(status.listeners.count as u64)
        .count(status.listeners.connections as u64)
        .count(status.listeners.stale as u64)
        .optional_count(status.listeners.oldest_version)
        .text(&status.to_json());
    let counters = counters(status);
    let written = written.count(counters.len() as u64);
    counters.iter().fold(written, |written, (name, count)| written.text(name).count(*count)).done()
}

fn counters(status: &Status) -> Vec<(String, u64)> {
    let counters = &status.counters;
    let plain = [
        ("fetches", counters.fetches),
        ("renewed", counters.renewed),
        ("unchanged", counters.unchanged),
        ("notifications", counters.notifications),
        ("late_notifications", counters.late_notifications),
        ("listener_failures", counters.listener_failures),
        ("reauths_accepted", counters.reauths_accepted),
        ("reauths_rejected", counters.reauths_rejected),
        ("events_dropped", counters.events_dropped),
    ];
    let plain = plain.into_iter().map(|(name, count)| (name.to_owned(), count));
    let failures = counters.failures.iter().map(|(kind, count)| (format!("failures.{kind}"), *count));
    let rejections =
        counters.auth_rejections.iter().map(|(reason, count)| (format!("auth_rejections.{reason}"), *count));
    plain.chain(failures).chain(rejections).collect()
}

fn state(state: ProviderState) -> &'static str {
    match state {
        ProviderState::Idle => "IDLE",
        ProviderState::Fetching => "FETCHING",
        ProviderState::Fresh => "FRESH",
        ProviderState::Degraded => "DEGRADED",
        ProviderState::Failing => "FAILING",
        ProviderState::Closed => "CLOSED",
        _ => "UNKNOWN",
    }
}
