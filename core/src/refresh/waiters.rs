//! Callers that wait for a token.

use super::step::Wish;
use std::time::Duration;

pub(super) struct Waiter {
    pub(super) id: u64,
    pub(super) wish: Wish,
    /// Until when it hopes for something better than the token with little left that there was when it came.
    pub(super) hopes_until: Duration,
}

impl Waiter {
    /// When it has to be looked at, on the boot clock.
    pub(super) fn alarm(&self, now: Duration) -> Duration {
        if now < self.hopes_until { self.hopes_until.min(self.wish.deadline) } else { self.wish.deadline }
    }
}
