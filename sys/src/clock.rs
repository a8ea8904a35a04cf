//! Clocks as durations since a fixed origin.
//!
//! The two coarse clocks cost about 4 ns each (vDSO, no system call) and lag by one scheduler tick,
//! at most 10 ms; the boot clock costs about 25 ns and goes on while the machine sleeps.

use std::time::Duration;

/// Time since an arbitrary origin; stands still while the machine is suspended. Lags by up to 10 ms.
#[must_use]
pub fn coarse_monotonic() -> Duration {
    platform::coarse_monotonic()
}

/// Time since the Unix epoch by this machine's clock, which may jump. Lags by up to 10 ms.
#[must_use]
pub fn coarse_wall() -> Duration {
    platform::coarse_wall()
}

/// Time since an arbitrary origin, suspended time included: what a token's validity is counted on.
#[must_use]
pub fn boot() -> Duration {
    platform::boot()
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "macos"))]
mod platform {
    use std::time::Duration;

    #[cfg(not(target_os = "macos"))]
    use libc::{CLOCK_BOOTTIME, CLOCK_MONOTONIC_COARSE, CLOCK_REALTIME_COARSE};
    // macOS: MONOTONIC counts sleep and is the boot clock; UPTIME_RAW_APPROX is the cheap one that does not.
    #[cfg(target_os = "macos")]
    use libc::{
        CLOCK_MONOTONIC as CLOCK_BOOTTIME, CLOCK_REALTIME as CLOCK_REALTIME_COARSE,
        CLOCK_UPTIME_RAW_APPROX as CLOCK_MONOTONIC_COARSE,
    };

    pub(super) fn coarse_monotonic() -> Duration {
        read(CLOCK_MONOTONIC_COARSE)
    }

    pub(super) fn coarse_wall() -> Duration {
        read(CLOCK_REALTIME_COARSE)
    }

    pub(super) fn boot() -> Duration {
        read(CLOCK_BOOTTIME)
    }

    fn read(clock: libc::clockid_t) -> Duration {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is a valid, writable timespec for the length of the call. A clock that the kernel
        // does not know leaves it at zero; the ids above exist on every kernel that Rust's std supports.
        unsafe { libc::clock_gettime(clock, &raw mut time) };
        Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos")))]
mod platform {
    use std::sync::LazyLock;
    use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

    // No fork on these platforms, so a `LazyLock` caught mid-initialisation by one cannot happen.
    static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

    pub(super) fn coarse_monotonic() -> Duration {
        ORIGIN.elapsed()
    }

    pub(super) fn coarse_wall() -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    pub(super) fn boot() -> Duration {
        ORIGIN.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{SystemTime, UNIX_EPOCH};

    #[test]
    fn the_wall_clock_agrees_with_std_and_the_others_never_go_back() {
        let std = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let ours = coarse_wall();
        assert!(ours.abs_diff(std) < Duration::from_secs(1), "{ours:?} against {std:?}");
        let (mono, boot_before) = (coarse_monotonic(), boot());
        std::thread::sleep(Duration::from_millis(30));
        assert!(coarse_monotonic() > mono);
        assert!(boot() - boot_before >= Duration::from_millis(30));
    }
}
