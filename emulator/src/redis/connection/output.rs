//! How much may wait for a client that does not read: `client-output-buffer-limit pubsub 32mb 8mb 60`, as Redis has it
//! by default and Azure too. <https://redis.io/docs/latest/develop/reference/clients/#output-buffer-limits>

use std::time::Duration;
use tokio::time::Instant;

/// A subscriber is disconnected at once when so much waits for it.
const HARD: usize = 32 << 20;
/// A subscriber is disconnected when so much has waited for it without a break for `SOFT_TIME`.
const SOFT: usize = 8 << 20;
const SOFT_TIME: Duration = Duration::from_secs(60);

/// When so much waits for a client, nothing more is answered to it, nor taken from the server behind, until it has read.
/// Redis has no limit for clients that are not subscribed, and keeps what they do not read; here it stays with the client.
pub(in crate::redis) const FULL: usize = 16 << 20;

/// How far a subscriber has used its limit.
#[derive(Default)]
pub(in crate::redis) struct SubscriberLimit {
    /// Since when more than the lower limit waits.
    over_since: Option<Instant>,
}

impl SubscriberLimit {
    /// Whether the client is to be let go: so many bytes wait for it now.
    pub(in crate::redis) fn is_exceeded(&mut self, subscribed: bool, waiting: usize, now: Instant) -> bool {
        if !subscribed || waiting <= SOFT {
            self.over_since = None;
            return false;
        }
        let since = *self.over_since.get_or_insert(now);
        waiting > HARD || now >= since + SOFT_TIME
    }

    /// When to look again although nothing has happened.
    pub(in crate::redis) fn deadline(&self) -> Option<Instant> {
        self.over_since.map(|since| since + SOFT_TIME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscriber_may_be_behind_by_so_much_and_for_so_long() {
        let (mut limit, start) = (SubscriberLimit::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(!limit.is_exceeded(true, SOFT, after(0)) && limit.deadline().is_none());
        assert!(!limit.is_exceeded(true, SOFT + 1, after(1)));
        assert_eq!(limit.deadline(), Some(after(61)));
        assert!(!limit.is_exceeded(true, HARD, after(60)), "59 seconds");
        assert!(limit.is_exceeded(true, SOFT + 1, after(61)), "60 seconds");
        assert!(!limit.is_exceeded(true, SOFT, after(62)), "it has read");
        assert!(!limit.is_exceeded(true, SOFT + 1, after(63)), "counted anew");
        assert!(limit.is_exceeded(true, HARD + 1, after(63)), "at once");
        assert!(!limit.is_exceeded(false, HARD + 1, after(200)), "no limit for who is not subscribed");
    }
}
