//! One reading of all the clocks that a decision needs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time on three clocks at once. Logic takes it as an argument, so that tests can move it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Counts suspended time too: validity and schedules are measured on it.
    pub boot: Duration,
    /// Cheap to read; stands still during suspend.
    pub monotonic: Duration,
    /// Since the Unix epoch, by this machine's clock. Cheap to read; may jump.
    pub wall: Duration,
}

impl Now {
    /// Reads the machine's clocks.
    pub fn read() -> Self {
        // In this order: should the machine stop in between, a token seems to have less left, not more.
        let (monotonic, wall) = (entrakey_sys::clock::coarse_monotonic(), entrakey_sys::clock::coarse_wall());
        Self { boot: entrakey_sys::clock::boot(), monotonic, wall }
    }
}

/// This machine's wall clock, since the Unix epoch.
pub(crate) fn unix_now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Whole milliseconds, saturating: the unit of every time that leaves the library.
pub fn millis(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}
