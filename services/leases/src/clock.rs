//! What time it is, by Azure's clock.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A `Date` is in whole seconds, and takes a while to come: less than that is no difference.
const TOLERANCE_MS: i64 = 2000;
/// With a clock that is further off nothing is issued: whoever gets a lease would read its end wrongly.
pub const MOST_OFFSET_MS: i64 = 60_000;
/// What Azure said of the time longer ago is asked for again before something is issued.
const FRESH: Duration = Duration::from_secs(600);

/// Where a clock reads from.
#[derive(Clone, Copy)]
pub struct Sources {
    /// Time that only ever goes on, and counts suspend.
    pub monotonic: fn() -> Duration,
    /// This machine's wall clock, milliseconds since 1970.
    pub wall_ms: fn() -> i64,
}

/// Goes on evenly whatever becomes of this machine's wall clock, and follows Azure's.
pub struct Clock {
    sources: Sources,
    anchor: Mutex<Anchor>,
}

struct Anchor {
    at: Duration,
    ms: i64,
    /// When Azure said what time it is, and this machine's wall clock less that.
    heard: Option<(Duration, i64)>,
}

impl Clock {
    /// Begins with this machine's wall clock.
    #[must_use]
    pub fn new(sources: Sources) -> Self {
        let anchor = Anchor { at: (sources.monotonic)(), ms: (sources.wall_ms)(), heard: None };
        Self { sources, anchor: Mutex::new(anchor) }
    }

    /// This machine's clocks.
    #[must_use]
    pub fn system() -> Self {
        Self::new(Sources { monotonic: boot, wall_ms: crate::azure::wall_ms })
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        let anchor = self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        self.read(&anchor)
    }

    fn read(&self, anchor: &Anchor) -> i64 {
        let passed = (self.sources.monotonic)().saturating_sub(anchor.at);
        anchor.ms.saturating_add(i64::try_from(passed.as_millis()).unwrap_or(i64::MAX))
    }

    /// Azure says what time it is.
    pub fn hear(&self, date_ms: i64) {
        let mut anchor = self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, wall) = ((self.sources.monotonic)(), (self.sources.wall_ms)());
        anchor.heard = Some((at, wall.saturating_sub(date_ms)));
        if self.read(&anchor).saturating_sub(date_ms).saturating_abs() > TOLERANCE_MS {
            (anchor.at, anchor.ms) = (at, date_ms);
        }
    }

    /// This machine's wall clock less Azure's, if Azure has said lately what time it is.
    #[must_use]
    pub fn offset_ms(&self) -> Option<i64> {
        let anchor = self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, offset) = anchor.heard?;
        ((self.sources.monotonic)().saturating_sub(at) < FRESH).then_some(offset)
    }
}

fn boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

    #[test]
    fn it_goes_on_evenly_and_follows_azure() {
        static BOOT_S: AtomicU64 = AtomicU64::new(100);
        static WALL_MS: AtomicI64 = AtomicI64::new(1_000_000);
        let sources = Sources {
            monotonic: || Duration::from_secs(BOOT_S.load(Relaxed)),
            wall_ms: || WALL_MS.load(Relaxed),
        };
        let clock = Clock::new(sources);
        assert_eq!((clock.now_ms(), clock.offset_ms()), (1_000_000, None));
        BOOT_S.store(110, Relaxed);
        WALL_MS.store(9_000_000, Relaxed); // somebody sets it
        assert_eq!(clock.now_ms(), 1_010_000);
        clock.hear(1_011_000);
        assert_eq!((clock.now_ms(), clock.offset_ms()), (1_010_000, Some(7_989_000)));
        clock.hear(1_700_000);
        assert_eq!((clock.now_ms(), clock.offset_ms()), (1_700_000, Some(7_300_000)));
        BOOT_S.store(710, Relaxed);
        assert_eq!((clock.now_ms(), clock.offset_ms()), (2_300_000, None), "that was long ago");
    }
}
