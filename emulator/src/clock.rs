//! The one clock by which tokens are minted, checked and expire: real, ahead or behind, or scaled.

use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// No wait is longer than this before the clock is read again: the system's may have been set meanwhile.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The last second of the year 9999: what comes later can be written neither as a date nor in a token's answer, so
/// the clock stands still there.
const LATEST: Duration = Duration::from_secs(253_402_300_799);

/// Follows the system's clock, at a distance and a speed that can be changed while it runs.
#[derive(Debug)]
pub(crate) struct Clock(watch::Sender<Setting>);

/// At the system's time `real` it is `shown`; both since the Unix epoch.
#[derive(Clone, Copy, Debug)]
struct Setting {
    real: Duration,
    shown: Duration,
    scale: f64,
}

impl Default for Clock {
    /// The system's time.
    fn default() -> Self {
        Self(watch::Sender::new(Setting { real: Duration::ZERO, shown: Duration::ZERO, scale: 1.0 }))
    }
}

/// The system's time since the Unix epoch.
fn system() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

impl Setting {
    fn at(&self, real: Duration) -> Duration {
        match real.checked_sub(self.real) {
            Some(since) => self.shown.saturating_add(scaled(since, self.scale)),
            None => self.shown.saturating_sub(scaled(self.real.saturating_sub(real), self.scale)),
        }
    }
}

/// A time multiplied, exactly so by 1.
fn scaled(time: Duration, by: f64) -> Duration {
    if (by - 1.0).abs() < f64::EPSILON {
        return time;
    }
    Duration::try_from_secs_f64(time.as_secs_f64() * by).unwrap_or(Duration::MAX)
}

impl Clock {
    /// Since the Unix epoch.
    pub(crate) fn now(&self) -> Duration {
        self.0.borrow().at(system()).min(LATEST)
    }

    /// How many of its seconds pass in one of the system's.
    pub(crate) fn scale(&self) -> f64 {
        self.0.borrow().scale
    }

    /// How far it is ahead of the system's, in milliseconds.
    pub(crate) fn offset_ms(&self) -> i64 {
        let real = system();
        let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        millis(self.0.borrow().at(real).min(LATEST)) - millis(real)
    }

    /// Sets how far the clock is ahead of the system's; behind, if negative.
    pub(crate) fn set_offset_ms(&self, offset: i64) {
        let real = system();
        let shown = shifted(real, offset);
        self.0.send_modify(|setting| *setting = Setting { real, shown, ..*setting });
    }

    /// Moves it, forward or, if negative, back.
    pub(crate) fn advance_ms(&self, by: i64) {
        let real = system();
        self.0.send_modify(|setting| {
            *setting = Setting { real, shown: shifted(setting.at(real), by), ..*setting };
        });
    }

    /// Sets the clock's speed. At zero it stands still.
    pub(crate) fn set_scale(&self, scale: f64) {
        let real = system();
        self.0.send_modify(|setting| *setting = Setting { real, shown: setting.at(real), scale });
    }

    /// Resolves when it shows `at` or later, however it is changed meanwhile.
    pub(crate) async fn reached(&self, at: Duration) {
        let mut changed = self.0.subscribe();
        loop {
            let left = at.saturating_sub(self.now());
            if left.is_zero() {
                return;
            }
            let wait = Duration::try_from_secs_f64(left.as_secs_f64() / self.scale()).unwrap_or(LONGEST_WAIT);
            tokio::select! {
                // Rounded up, or the last nanoseconds would be waited for in a loop.
                () = tokio::time::sleep(wait.min(LONGEST_WAIT) + Duration::from_millis(1)) => (),
                _ = changed.changed() => (), // an error is the end of the clock, which `self` outlives
            }
        }
    }
}

fn shifted(time: Duration, by_ms: i64) -> Duration {
    let by = Duration::from_millis(by_ms.unsigned_abs());
    if by_ms < 0 { time.saturating_sub(by) } else { time.saturating_add(by) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
mod tests {
    use super::*;

    fn seconds(from: i64) -> i64 {
        (from + 500).div_euclid(1000)
    }

    #[test]
    fn it_is_set_moved_and_scaled_without_a_jump_that_nobody_asked_for() {
        let clock = Clock::default();
        assert_eq!(clock.offset_ms(), 0);
        clock.set_offset_ms(-600_000);
        assert_eq!(seconds(clock.offset_ms()), -600);
        clock.advance_ms(3_600_000);
        assert_eq!(seconds(clock.offset_ms()), 3000);
        clock.set_scale(1.0);
        assert_eq!(seconds(clock.offset_ms()), 3000);
        clock.set_scale(0.0);
        let before = clock.now();
        std::thread::sleep(Duration::from_millis(3));
        assert_eq!(clock.now(), before, "it was to stand still");
    }

    #[test]
    fn it_stays_within_what_can_be_written() {
        let clock = Clock::default();
        for offset in [i64::MAX, 253_402_300_799_000] {
            clock.set_offset_ms(offset);
            clock.advance_ms(offset);
            assert_eq!(clock.now(), LATEST);
            let written = humantime::format_rfc3339_millis(UNIX_EPOCH + clock.now()).to_string();
            assert!(written.starts_with("9999-12-31T23:59:59"), "{written}");
        }
        clock.set_offset_ms(i64::MIN);
        assert!(clock.now() < Duration::from_secs(20), "nothing is before the epoch");
    }

    #[test]
    fn the_setting_is_linear() {
        let setting =
            Setting { real: Duration::from_secs(100), shown: Duration::from_secs(1000), scale: 60.0 };
        assert_eq!(setting.at(Duration::from_secs(160)), Duration::from_secs(4600));
        assert_eq!(setting.at(Duration::from_secs(99)), Duration::from_secs(940));
    }

    #[tokio::test]
    async fn who_waits_sees_the_clock_change() {
        let clock = std::sync::Arc::new(Clock::default());
        let (at, waiting) = (clock.now() + Duration::from_secs(3600), clock.clone());
        let waiter = tokio::spawn(async move { waiting.reached(at).await });
        tokio::task::yield_now().await;
        assert!(!waiter.is_finished());
        clock.advance_ms(3_600_000);
        tokio::time::timeout(Duration::from_secs(20), waiter).await.unwrap().unwrap();
        clock.set_scale(100_000.0);
        let at = clock.now() + Duration::from_secs(3600);
        tokio::time::timeout(Duration::from_secs(20), clock.reached(at)).await.unwrap();
    }
}
