//! When a key expires, as commands say it.

use super::super::connection::Connection;
use super::super::reply::Reply;
use super::words::{integer, text};
use bytes::Bytes;
use std::time::Duration;
use tokio::time::Instant;

/// The unit of a time, and from when it counts.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    Seconds,
    Milliseconds,
    /// Of the Unix epoch, on the emulator's clock.
    AtSecond,
    AtMillisecond,
}

impl Unit {
    fn is_absolute(self) -> bool {
        matches!(self, Self::AtSecond | Self::AtMillisecond)
    }

    /// None if there are more milliseconds than Redis can count.
    fn milliseconds(self, amount: i64) -> Option<i64> {
        match self {
            Self::Seconds | Self::AtSecond => amount.checked_mul(1000),
            Self::Milliseconds | Self::AtMillisecond => Some(amount),
        }
    }
}

/// The moment that an argument names; what has passed is now.
pub(super) fn moment(
    connection: &Connection,
    words: &[Bytes],
    index: usize,
    unit: Unit,
) -> Result<Instant, Reply> {
    let amount = integer(words, index)?;
    let now = i64::try_from(connection.cache.clock.now().as_millis()).unwrap_or(i64::MAX);
    let base = if unit.is_absolute() { 0 } else { now };
    let at = unit
        .milliseconds(amount)
        .and_then(|amount| amount.checked_add(base))
        .ok_or_else(|| invalid(words))?;
    let left = Duration::from_millis(u64::try_from(at.saturating_sub(now)).unwrap_or(0));
    Instant::now().checked_add(left).ok_or_else(|| invalid(words))
}

/// The same where the past, and zero, are no answer.
pub(super) fn positive_moment(
    connection: &Connection,
    words: &[Bytes],
    index: usize,
    unit: Unit,
) -> Result<Instant, Reply> {
    match integer(words, index)? {
        ..=0 => Err(invalid(words)),
        _ => moment(connection, words, index, unit),
    }
}

fn invalid(words: &[Bytes]) -> Reply {
    Reply::error(format!("ERR invalid expire time in '{}' command", text(words, 0).to_ascii_lowercase()))
}
