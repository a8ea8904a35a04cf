//! How long to wait for what. Every time scales with the token's lifetime, so that tokens of a few seconds
//! in tests go through the code that hour-long ones do; the configured values are caps.

use std::time::Duration;

/// The configured caps and ratios. The fields are the configuration keys of the same names.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "documented once, in the table of keys")]
pub struct Policy {
    pub refresh_ratio: f64,
    pub refresh_jitter: f64,
    pub lower_bound: Duration,
    pub min_interval: Duration,
    pub retry_initial: Duration,
    pub retry_max: Duration,
    pub request_timeout: Duration,
    pub get_token_timeout: Duration,
    pub reauth_margin: Duration,
    pub reauth_spread: f64,
    pub min_validity: Duration,
}

/// The two lengths that times scale with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    /// Validity left when the token was first seen: pacing scales with it.
    pub(crate) seen: Duration,
    /// From issue to expiry: margins scale with it.
    pub(crate) nominal: Duration,
}

/// From here on a token counts as long-lived, and re-authentications are spread more widely.
const LONG_LIVED: Duration = Duration::from_secs(20 * 60);
/// The spread of re-authentications for short-lived tokens, as a share of their life.
const SHORT_SPREAD: f64 = 0.025;
/// A fatal answer is tried again after this, doubling: secrets and federated credentials take minutes to
/// propagate through Entra.
const FATAL_FIRST: Duration = Duration::from_secs(5);
const FATAL_MAX: Duration = Duration::from_secs(300);
/// A source may not silence a provider for longer than this with `Retry-After`.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);

/// With a smaller share of its nominal life left a token is the end of one: whoever keeps handing those out is asked
/// less often than the little that is left asks for.
const END_SHARE: f64 = 0.05;
/// So many ends in a row are forgiven: the end of a token that the source keeps until it expires, its successor late.
const ENDS_FORGIVEN: u32 = 3;
/// Then requests keep this distance: three a minute. For tokens that live less than 20 minutes as much less.
const END_INTERVAL: Duration = Duration::from_secs(20);
/// The life that a token is taken to have when nothing says how long it lives.
const UNKNOWN_LIFE: Duration = Duration::from_secs(3600);

/// What a token that is handed on has left, if it can be had. Microsoft's libraries take one with less than 5 minutes for
/// expired; a client that gets such a one asks again at once.
const LEAST_FRESH: Duration = Duration::from_secs(15 * 60);
/// And so much of what it had when it came: redis-entraid and its kind renew when so little of what they got is left.
const FRESH_SHARE: f64 = 0.3;

impl Policy {
    /// Whether a token that came with so much left is the end of one.
    pub(crate) fn is_end(left: Duration, nominal: Duration) -> bool {
        left.is_zero() || left < nominal.mul_f64(END_SHARE)
    }

    /// The least distance of requests after so many ends in a row.
    pub(crate) fn end_interval(ends: u32, nominal: Option<Duration>) -> Duration {
        let nominal = nominal.unwrap_or(UNKNOWN_LIFE);
        match ends {
            ..ENDS_FORGIVEN => Duration::ZERO,
            _ => END_INTERVAL.mul_f64((nominal.as_secs_f64() / LONG_LIVED.as_secs_f64()).min(1.0)),
        }
    }

    /// How long before expiry a new token is asked for at the latest.
    pub(crate) fn lower_bound(&self, life: Life) -> Duration {
        self.lower_bound.min(life.nominal.mul_f64(0.25))
    }

    /// How long before expiry of the old token every connection must have been told of the new one.
    pub(crate) fn margin(&self, life: Life) -> Duration {
        self.reauth_margin.min(life.nominal.mul_f64(0.15))
    }

    /// Over how long notifications are spread: what the lower bound leaves once the margin and one request
    /// are taken off. Tokens too short for that arithmetic get a small share of their life.
    pub(crate) fn spread(&self, life: Life) -> Duration {
        if life.nominal < LONG_LIVED {
            return life.nominal.mul_f64(self.reauth_spread.min(SHORT_SPREAD));
        }
        let taken = self.margin(life) + self.request_timeout(Some(life));
        let room = self.lower_bound(life).saturating_sub(taken);
        life.nominal.mul_f64(self.reauth_spread).min(room)
    }

    /// A token with less left than this is handed out only if nothing better can be had.
    pub(crate) fn min_validity(&self, life: Life) -> Duration {
        self.min_validity.min(life.nominal.mul_f64(0.05))
    }

    /// A token with less left than this is not fresh: whoever gets it to keep it for a while (another process with a
    /// cache of its own) should get a better one, if there is one to be had.
    pub(crate) fn least_fresh(&self, life: Life) -> Duration {
        LEAST_FRESH.min(life.nominal.mul_f64(0.25)).max(life.seen.mul_f64(FRESH_SHARE))
    }

    /// The least time from an answer to the next request.
    pub(crate) fn interval(&self, life: Option<Life>) -> Duration {
        let Some(life) = life else { return self.min_interval };
        let least = Duration::from_millis(250).min(self.min_interval);
        life.seen.mul_f64(0.05).clamp(least, self.min_interval)
    }

    pub(crate) fn request_timeout(&self, life: Option<Life>) -> Duration {
        let Some(life) = life else { return self.request_timeout };
        self.request_timeout.min(life.seen.mul_f64(0.1).max(Duration::from_secs(1)))
    }

    /// The wait after the n-th failure in a row: uniform between the initial wait and the doubled cap.
    /// It never starts from zero, which would be no floor at all. `awaited`: a caller waits.
    pub(crate) fn back_off(&self, failures: u32, life: Option<Life>, awaited: bool, random: f64) -> Duration {
        let (floor, ceiling) = self.back_off_range(life, awaited);
        let cap = floor.saturating_mul(2_u32.saturating_pow(failures)).min(ceiling).max(floor);
        floor + (cap - floor).mul_f64(random)
    }

    fn back_off_range(&self, life: Option<Life>, awaited: bool) -> (Duration, Duration) {
        let Some(life) = life else {
            // Nothing valid is in hand. The next try must come well inside the deadline of whoever waits.
            let ceiling =
                if awaited { self.retry_max.min(self.get_token_timeout / 3) } else { self.retry_max };
            return (self.retry_initial, ceiling.max(self.retry_initial));
        };
        let floor = self.retry_initial.min(life.seen.mul_f64(0.01).max(Duration::from_millis(100)));
        let ceiling = self.retry_max.min(life.seen.mul_f64(0.025).max(Duration::from_millis(250)));
        (floor, ceiling.max(floor))
    }

    /// The wait that the source asked for, capped, plus jitter: it told the whole fleet the same moment.
    pub(crate) fn retry_after(&self, wish: Duration, back_off: Duration) -> Duration {
        wish.min(RETRY_AFTER_MAX) + back_off
    }

    /// The wait after the n-th fatal answer in a row.
    pub(crate) fn fatal_wait(&self, fatals: u32, life: Option<Life>, random: f64) -> Duration {
        let cap =
            life.map_or(FATAL_MAX, |life| life.seen.mul_f64(0.1).clamp(Duration::from_secs(1), FATAL_MAX));
        let wait = FATAL_FIRST.saturating_mul(2_u32.saturating_pow(fatals.saturating_sub(1))).min(cap);
        wait.mul_f64(0.9 + 0.2 * random)
    }

    /// When to ask for the next token, counted from when this one was first seen.
    ///
    /// The first refresh of a provider's life comes at a random point between 0.1 and 0.7 of the validity:
    /// a fleet that was deployed together would otherwise stay in step for ever.
    pub(crate) fn refresh_after(
        &self,
        life: Life,
        refresh_in: Option<Duration>,
        first: bool,
        random: f64,
    ) -> Duration {
        let latest = life.seen.saturating_sub(self.lower_bound(life));
        let wished = refresh_in.filter(|wish| *wish >= life.seen.mul_f64(0.1) && *wish <= life.seen);
        let planned = life.seen.mul_f64(self.refresh_ratio).min(latest).min(wished.unwrap_or(Duration::MAX));
        if self.refresh_jitter == 0.0 {
            return planned;
        }
        if first {
            let spread = (0.1 + 0.6 * random).min(self.refresh_ratio);
            return planned.min(life.seen.mul_f64(spread));
        }
        planned.saturating_sub(life.seen.mul_f64(self.refresh_jitter * random))
    }
}

/// The defaults of the configuration keys, for tests without a configuration.
impl Default for Policy {
    fn default() -> Self {
        Self {
            refresh_ratio: 0.7,
            refresh_jitter: 0.05,
            lower_bound: Duration::from_secs(300),
            min_interval: Duration::from_secs(30),
            retry_initial: Duration::from_millis(500),
            retry_max: Duration::from_secs(30),
            request_timeout: Duration::from_secs(10),
            get_token_timeout: Duration::from_secs(30),
            reauth_margin: Duration::from_secs(180),
            reauth_spread: 0.1,
            min_validity: Duration::from_secs(60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(seconds: u64) -> Life {
        Life { seen: Duration::from_secs(seconds), nominal: Duration::from_secs(seconds) }
    }

    #[test]
    fn what_is_handed_on_has_a_quarter_of_an_hour_left_or_its_share_of_a_shorter_or_half_used_life() {
        let policy = Policy::default();
        for (nominal, seen, fresh, margin) in [
            (86_400, 86_400, 25_920, 180), // 30 % of a day
            (86_400, 14_400, 4_320, 180),  // a day's token that had four hours left
            (86_400, 1_200, 900, 180),     // and one that had twenty minutes
            (3_600, 3_600, 1_080, 180),
            (3_600, 1_800, 900, 180),
            (600, 600, 180, 90),
            (10, 10, 3, 1),
        ] {
            let life = Life { seen: Duration::from_secs(seen), nominal: Duration::from_secs(nominal) };
            let has = (policy.least_fresh(life).as_secs(), policy.margin(life).as_secs());
            assert_eq!(has, (fresh, margin), "{seen} of {nominal} s");
        }
    }

    #[test]
    fn an_hour_long_token_is_refreshed_at_seventy_percent_less_jitter() {
        let policy = Policy::default();
        assert_eq!(policy.refresh_after(life(3600), None, false, 0.0), Duration::from_secs(2520));
        assert_eq!(policy.refresh_after(life(3600), None, false, 1.0), Duration::from_secs(2340));
    }

    #[test]
    fn the_first_refresh_is_spread_over_the_life() {
        let policy = Policy::default();
        assert_eq!(policy.refresh_after(life(3600), None, true, 0.0), Duration::from_secs(360));
        assert_eq!(policy.refresh_after(life(3600), None, true, 1.0), Duration::from_secs(2520));
        let steady = Policy { refresh_jitter: 0.0, ..policy };
        assert_eq!(steady.refresh_after(life(3600), None, true, 0.0), Duration::from_secs(2520));
    }

    #[test]
    fn refresh_in_is_followed_only_if_it_is_sane() {
        let policy = Policy { refresh_jitter: 0.0, ..Policy::default() };
        let after =
            |wish| policy.refresh_after(life(3600), Some(Duration::from_secs(wish)), false, 0.0).as_secs();
        assert_eq!((after(1800), after(1), after(4000)), (1800, 2520, 2520));
    }

    #[test]
    fn the_lower_bound_wins_over_the_ratio() {
        let policy = Policy { refresh_ratio: 1.0, refresh_jitter: 0.0, ..Policy::default() };
        assert_eq!(policy.refresh_after(life(3600), None, false, 0.0), Duration::from_secs(3300));
        assert_eq!(policy.refresh_after(life(8), None, false, 0.0), Duration::from_secs(6));
    }

    #[test]
    fn back_off_starts_at_its_floor_and_ends_at_its_cap() {
        let policy = Policy::default();
        let wait = |n, random| policy.back_off(n, Some(life(3600)), true, random);
        assert_eq!(wait(1, 0.0), Duration::from_millis(500));
        assert_eq!(wait(1, 1.0), Duration::from_secs(1));
        assert_eq!(wait(40, 1.0), Duration::from_secs(30));
        assert_eq!(
            policy.back_off(40, None, true, 1.0),
            Duration::from_secs(10),
            "a third of the caller's deadline"
        );
        assert_eq!(policy.back_off(40, None, false, 1.0), Duration::from_secs(30), "nobody waits");
    }

    #[test]
    fn less_than_a_twentieth_of_a_life_is_the_end_of_a_token() {
        let hour = Duration::from_secs(3600);
        let ends = [0, 179_999, 180_000].map(|ms| Policy::is_end(Duration::from_millis(ms), hour));
        assert_eq!(ends, [true, true, false]);
        assert!(Policy::is_end(Duration::ZERO, Duration::ZERO), "whatever it lived");
    }

    #[test]
    fn after_three_ends_of_tokens_requests_are_apart_as_their_life_asks_for() {
        let apart = |ends, nominal: Option<u64>| {
            Policy::end_interval(ends, nominal.map(Duration::from_secs)).as_secs()
        };
        assert_eq!((apart(2, Some(3600)), apart(3, Some(3600)), apart(9, Some(3600))), (0, 20, 20));
        assert_eq!((apart(3, Some(1200)), apart(3, Some(600)), apart(3, Some(60))), (20, 10, 1));
        assert_eq!(apart(3, None), 20, "taken for an hour's");
    }

    #[test]
    fn from_twenty_minutes_on_a_token_s_notifications_are_spread_over_what_the_margin_leaves() {
        let spread = |seconds| Policy::default().spread(life(seconds)).as_millis();
        assert_eq!(spread(1199), 29_975, "a fortieth of its life");
        assert_eq!(
            spread(1200),
            110_000,
            "a lower bound of 300 s less 180 s of margin and 10 s for a request"
        );
    }

    #[test]
    fn retry_after_is_honoured_but_never_for_a_day() {
        let policy = Policy::default();
        assert_eq!(policy.retry_after(Duration::from_secs(86_400), Duration::ZERO), Duration::from_secs(300));
    }

    #[test]
    fn fatal_answers_are_retried_ever_more_slowly() {
        let policy = Policy::default();
        let wait = |n| policy.fatal_wait(n, None, 0.5).as_secs();
        assert_eq!((wait(1), wait(2), wait(7), wait(50)), (5, 10, 300, 300));
    }

    #[test]
    fn notifications_fit_between_arrival_and_margin_for_every_lifetime() {
        let policy = Policy::default();
        for seconds in [3, 8, 60, 600, 1200, 3600, 86_400] {
            let life = life(seconds);
            let arrival = life.seen - policy.lower_bound(life);
            let window = policy.spread(life);
            assert!(window > Duration::ZERO, "{seconds} s");
            assert!(arrival + window + policy.margin(life) <= life.seen, "{seconds} s: {window:?}");
        }
    }

    fn ms(value: f64) -> Duration {
        Duration::from_secs_f64(value / 1000.0)
    }

    #[test]
    fn the_peers_renewal_delays() {
        for case in crate::vectors::cases("renewal_delay") {
            let (Some(expires), ratio) = (case["expires_rel_ms"].as_f64(), case["ratio"].as_f64().unwrap())
            else {
                continue; // no token: `callers_on_an_empty_cache…` asks at once
            };
            let received = case["received_rel_ms"].as_f64().unwrap();
            let (left, lower) = (ms((expires - received).max(0.0)), ms(case["lower_ms"].as_f64().unwrap()));
            if ratio <= 0.0 {
                assert!(case["ours"].as_str().unwrap().starts_with("refused"), "see the group config");
                continue;
            }
            let policy =
                Policy { refresh_ratio: ratio, lower_bound: lower, refresh_jitter: 0.0, ..Policy::default() };
            let after = policy.refresh_after(Life { seen: left, nominal: left }, None, false, 0.0);
            let delay = (received + after.as_secs_f64() * 1000.0).max(0.0);
            let expected = case["ours_ms"].as_f64().or(case["expect_ms"].as_f64());
            let expected = expected.or(case["expect_ms"][0].as_f64()).unwrap();
            assert!((delay - expected).abs() <= 1.0, "{delay} ms: {case}");
        }
    }

    #[test]
    fn the_peers_retry_delays_lie_in_the_range_that_is_drawn_from() {
        for case in crate::vectors::cases("retry_delay") {
            let Some(initial) = case["initial_ms"].as_f64() else { continue }; // no retries at all: not ours
            let cap = case["cap_ms"].as_f64().unwrap();
            let policy = Policy { retry_initial: ms(initial), retry_max: ms(cap), ..Policy::default() };
            for (failures, expected) in (1..).zip(case["expect_ms"].as_array().unwrap()) {
                let wait = |random| policy.back_off(failures, None, false, random);
                let expected = ms(expected.as_f64().unwrap());
                assert!(wait(0.0) <= expected && expected <= wait(1.0), "{failures}: {case}");
            }
        }
    }
}
