//! Word to systemd, for units with `Type=notify`. Elsewhere nothing happens.

use sd_notify::NotifyState;

/// The service works: units that come after it may start.
///
/// # Errors
/// The socket that systemd named cannot be written to.
pub fn ready(status: &str) -> std::io::Result<()> {
    sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(status)])
}

/// The service has begun to end.
///
/// # Errors
/// As [`ready`].
pub fn stopping() -> std::io::Result<()> {
    sd_notify::notify(&[NotifyState::Stopping])
}
