//! What stands before the body of an answer: status, challenge, the server's clock, when to come back.

use crate::grant::Clocks;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use ureq::http;

/// The parts of an answer before its body.
pub(super) struct Head {
    pub(super) status: u16,
    /// What a refusal asks for (`WWW-Authenticate`).
    pub(super) challenge: Option<String>,
    pub(super) retry_after: Option<Duration>,
    pub(super) clocks: Clocks,
    pub(super) headers: http::HeaderMap,
}

impl Head {
    /// `sent_at`: when the request was sent, on the boot clock; `here`: this machine's wall clock now.
    pub(super) fn read<B>(response: &http::Response<B>, sent_at: Duration, here: Duration) -> Self {
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let date = header("date").and_then(|text| httpdate::parse_http_date(text).ok()).map(unix);
        Self {
            status: response.status().as_u16(),
            challenge: header("www-authenticate").map(str::to_owned),
            retry_after: header("retry-after").and_then(|text| retry_after(text, date, here)),
            clocks: Clocks { sent_at, here, date, skew_ms: date.and_then(|date| skew_ms(date, here)) },
            headers: response.headers().clone(),
        }
    }
}

/// Seconds, or a moment that is compared with the server's own clock (RFC 9110 §10.2.3).
fn retry_after(text: &str, date: Option<u64>, here: Duration) -> Option<Duration> {
    if let Ok(wait) = text.trim().parse() {
        return Some(Duration::from_secs(wait));
    }
    let until = httpdate::parse_http_date(text).ok().map(unix)?;
    let now = date.unwrap_or(here.as_secs());
    Some(Duration::from_secs(until.saturating_sub(now)))
}

/// `Date` is in whole seconds, cut off: half a second more is the best guess.
fn skew_ms(date: u64, here: Duration) -> Option<i64> {
    let server = i64::try_from(date).ok()?.checked_mul(1000)?.checked_add(500)?;
    i64::try_from(here.as_millis()).ok()?.checked_sub(server)
}

fn unix(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
