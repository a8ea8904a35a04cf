//! A token as it is handed out: an immutable snapshot that knows how long it is good.

use crate::clock::{Now, millis};
use crate::host_value::HostValue;
use std::any::Any;
use std::fmt;
use std::time::Duration;
use zeroize::Zeroizing;

/// An access token and the Redis user name that goes with it. Immutable; its Debug shows no secret.
pub struct Token {
    secret: Zeroizing<String>,
    username: String,
    version: u64,
    expires_unix_ms: u64,
    refresh_unix_ms: u64,
    /// End of validity on the boot clock, which a forked child shares.
    end: Duration,
    lifetime: Duration,
    /// With less left than this a better one is preferred for whoever keeps it for a while.
    least_fresh: Duration,
    /// With less left than this it is handed on to nobody.
    margin: Duration,
    fresh: Until,
    usable: Until,
    valid: Until,
    host: HostValue,
}

/// The end of a stretch of time, on the two clocks that are cheap to read: one cannot be set, the other
/// does not stand still during suspend. Both must agree that it has not come.
#[derive(Clone, Copy, Debug)]
struct Until {
    monotonic: Duration,
    wall: Duration,
}

impl Until {
    fn after(now: Now, left: Duration) -> Self {
        Self { monotonic: now.monotonic + left, wall: now.wall + left }
    }

    fn left(self, monotonic: Duration, wall: Duration) -> Duration {
        self.monotonic.saturating_sub(monotonic).min(self.wall.saturating_sub(wall))
    }

    #[inline]
    fn is_ahead(self, monotonic: Duration, wall: Duration) -> bool {
        monotonic < self.monotonic && wall < self.wall
    }
}

/// What a token is made from.
pub(crate) struct Parts {
    pub(crate) secret: Zeroizing<String>,
    pub(crate) username: String,
    pub(crate) version: u64,
    /// End of validity on the boot clock.
    pub(crate) end: Duration,
    /// From issue to expiry.
    pub(crate) lifetime: Duration,
    /// With less than this left it is handed out only if nothing better can be had.
    pub(crate) min_validity: Duration,
    /// With less left than this a better one is preferred for whoever keeps it for a while.
    pub(crate) least_fresh: Duration,
    /// With less left than this it is handed on to nobody.
    pub(crate) margin: Duration,
    /// From now to the next refresh.
    pub(crate) refresh_in: Duration,
}

impl Token {
    pub(crate) fn new(parts: Parts, now: Now) -> Self {
        let left = parts.end.saturating_sub(now.boot);
        Self {
            expires_unix_ms: millis(now.wall + left),
            refresh_unix_ms: millis(now.wall + parts.refresh_in),
            fresh: Until::after(now, left.saturating_sub(parts.least_fresh)),
            usable: Until::after(now, left.saturating_sub(parts.min_validity)),
            valid: Until::after(now, left),
            least_fresh: parts.least_fresh,
            margin: parts.margin,
            end: parts.end,
            lifetime: parts.lifetime,
            secret: parts.secret,
            username: parts.username,
            version: parts.version,
            host: HostValue::default(),
        }
    }

    /// The same token, with the end of its validity seen anew.
    pub(crate) fn seen_again(&self, now: Now, end: Duration, min_validity: Duration) -> Self {
        let left = end.saturating_sub(now.boot);
        Self {
            secret: self.secret.clone(),
            username: self.username.clone(),
            version: self.version,
            expires_unix_ms: millis(now.wall + left),
            refresh_unix_ms: self.refresh_unix_ms,
            fresh: Until::after(now, left.saturating_sub(self.least_fresh)),
            usable: Until::after(now, left.saturating_sub(min_validity)),
            valid: Until::after(now, left),
            least_fresh: self.least_fresh,
            margin: self.margin,
            end,
            lifetime: self.lifetime,
            host: HostValue::default(),
        }
    }

    /// The access token: the password of the Redis `AUTH`. A bearer secret: do not log it.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// The object id of the identity: the user name of the Redis `AUTH`.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    /// Counts the tokens of a provider, from 1. A connection compares it with the version that it last
    /// authenticated with.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// When it expires, in milliseconds since the Unix epoch by this machine's clock.
    #[must_use]
    pub fn expires_unix_ms(&self) -> u64 {
        self.expires_unix_ms
    }

    /// When the provider means to ask for the next one, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn refresh_unix_ms(&self) -> u64 {
        self.refresh_unix_ms
    }

    /// For bindings: what the host hands out for this token, made by the first call and kept as long as the token.
    /// Calls that come first at the same time may each make one; all get the same. None if a value of another type
    /// is there already.
    ///
    /// # Errors
    /// What `make` fails with.
    pub fn host_value<T, E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<Option<&T>, E>
    where
        T: Any + Send + Sync,
    {
        self.host.get_or_try(make)
    }

    /// Whether it can be handed out without looking further. Two coarse clock reads, no lock.
    #[inline]
    pub(crate) fn is_usable(&self) -> bool {
        self.usable.is_ahead(entrakey_sys::clock::coarse_monotonic(), entrakey_sys::clock::coarse_wall())
    }

    /// Whether enough is left of it for somebody who keeps it for a while: see [`Provider::hand_on_then`]. Two coarse clock
    /// reads, no lock.
    ///
    /// [`Provider::hand_on_then`]: crate::Provider::hand_on_then
    #[inline]
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.fresh.is_ahead(entrakey_sys::clock::coarse_monotonic(), entrakey_sys::clock::coarse_wall())
    }

    /// As [`Token::is_fresh`], at a time that is given.
    pub(crate) fn is_fresh_at(&self, now: Now) -> bool {
        self.fresh.is_ahead(now.monotonic, now.wall) && self.left(now) > self.least_fresh
    }

    /// Whether so little is left that nobody should begin to use it.
    pub(crate) fn is_spent_at(&self, now: Now) -> bool {
        self.left(now) < self.margin
    }

    /// End of validity on the boot clock.
    pub(crate) fn end(&self) -> Duration {
        self.end
    }

    /// From issue to expiry.
    #[doc(hidden)]
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// How long it is still good, by the clock that says the least.
    #[doc(hidden)]
    #[must_use]
    pub fn left(&self, now: Now) -> Duration {
        let by_boot = self.end.saturating_sub(now.boot);
        by_boot.min(self.valid.left(now.monotonic, now.wall))
    }

    /// As [`Token::left`], now.
    #[doc(hidden)]
    #[must_use]
    pub fn left_now(&self) -> Duration {
        self.left(Now::read())
    }

    /// For how long it may be handed out without asking the provider again, zero if not at all: for a binding that
    /// keeps it in the host's own memory. Count it on a clock that cannot be set and on the wall clock, and
    /// stop at the first that says it is over.
    #[must_use]
    pub fn usable_for(&self) -> Duration {
        let now = Now::read();
        self.usable.left(now.monotonic, now.wall).min(self.end.saturating_sub(now.boot))
    }

    /// As [`Token::is_usable`], at a time that is given.
    pub(crate) fn is_usable_at(&self, now: Now) -> bool {
        self.usable.is_ahead(now.monotonic, now.wall) && now.boot < self.end
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("username", &self.username)
            .field("version", &self.version)
            .field("expires_unix_ms", &self.expires_unix_ms)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hit_path_heeds_both_clocks_and_the_validity_that_must_be_left() {
        let usable = |now: Now, min_validity| token(now, min_validity).is_usable();
        let (now, later) = (Now::read(), Duration::from_secs(7200));
        assert!(usable(now, 60));
        assert!(!usable(now, 3600), "nothing is left beyond the minimum");
        // Clocks are moved forward only: a machine that started a minute ago has no hours to go back to.
        assert!(!usable(Now { monotonic: now.monotonic + later, ..now }, 3600), "over by the wall clock");
        assert!(!usable(Now { wall: now.wall + later, ..now }, 3600), "over by the other");
    }

    #[test]
    fn what_a_binding_may_keep_ends_with_the_clock_that_says_the_least() {
        let within = |left: Duration, seconds: u64| {
            left <= Duration::from_secs(seconds) && left > Duration::from_secs(seconds.saturating_sub(60))
        };
        let (now, half) = (Now::read(), Duration::from_secs(1800));
        let (boot, monotonic, wall) = (now.boot + half, now.monotonic + half, now.wall + half);
        assert!(within(token(now, 600).usable_for(), 3000));
        assert_eq!(token(now, 3600).usable_for(), Duration::ZERO);
        // A token seen half an hour from now is good for an hour and a half by the clocks that went there.
        assert!(within(token(Now { boot, monotonic, wall }, 0).usable_for(), 5400));
        assert!(within(token(Now { boot, monotonic, ..now }, 0).usable_for(), 3600), "by the wall clock");
        assert!(within(token(Now { boot, wall, ..now }, 0).usable_for(), 3600), "by the monotonic clock");
        let asleep = Now { monotonic, wall, ..now };
        assert!(within(token(asleep, 0).usable_for(), 3600), "by the clock that counts suspend");
    }

    /// A token of one hour that was seen at `now`.
    fn token(now: Now, min_validity: u64) -> Token {
        let parts = Parts {
            secret: Zeroizing::new("s".to_owned()),
            username: "u".to_owned(),
            version: 1,
            end: now.boot + Duration::from_secs(3600),
            lifetime: Duration::from_secs(3600),
            min_validity: Duration::from_secs(min_validity),
            least_fresh: Duration::from_secs(1080),
            margin: Duration::from_secs(180),
            refresh_in: Duration::ZERO,
        };
        Token::new(parts, now)
    }
}
