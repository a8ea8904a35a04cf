//! Word to systemd, for units with `Type=notify`. Elsewhere nothing happens.

use sd_notify::NotifyState;
use std::time::Duration;

/// The service works: units that come after it may start.
///
/// # Errors
/// The socket that systemd named cannot be written to.
pub fn ready(status: &str) -> std::io::Result<()> {
    sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(status)])
}

/// It will not have started before that time is over, and is not to be given up until then, whatever the unit's own limit is.
///
/// # Errors
/// As [`ready`].
pub fn starting(most: Duration) -> std::io::Result<()> {
    let most = u32::try_from(most.as_micros()).unwrap_or(u32::MAX);
    sd_notify::notify(&[NotifyState::ExtendTimeoutUsec(most)])
}

/// The service has begun to end.
///
/// # Errors
/// As [`ready`].
pub fn stopping() -> std::io::Result<()> {
    sd_notify::notify(&[NotifyState::Stopping])
}
