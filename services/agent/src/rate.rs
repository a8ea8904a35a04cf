//! How often a client may ask: one that is given an ageing token may ask again at once, for ever.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// What a request costs if it is answered with a token that ages. Nothing is gained by asking for it again at once.
const OF_AGEING: f64 = 10.0;
/// So many seconds of requests can come at once: the workers of a server all begin in the same moment.
const BURST_S: f64 = 2.0;
/// Of so many users the account is kept. More of them have used the socket lately on no machine.
const MOST_USERS: usize = 1024;

/// The accounts of one client: one for each user that is it, and one for whoever shows its secret.
#[derive(Debug)]
pub(crate) struct Rate {
    per_second: f64,
    accounts: Mutex<HashMap<Option<u32>, Account>>,
}

#[derive(Clone, Copy, Debug)]
struct Account {
    left: f64,
    at: Instant,
}

impl Rate {
    /// So many requests a second; any number if it is 0.
    pub(crate) fn new(per_second: u32) -> Self {
        Self { per_second: f64::from(per_second), accounts: Mutex::default() }
    }

    /// Takes a request from the account.
    ///
    /// # Errors
    /// Too many have come. How long to wait.
    pub(crate) fn take(&self, user: Option<u32>, is_fresh: bool) -> Result<(), Duration> {
        if self.per_second == 0.0 {
            return Ok(());
        }
        let (now, most) = (Instant::now(), self.per_second * BURST_S);
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if accounts.len() >= MOST_USERS && !accounts.contains_key(&user) {
            accounts.clear();
        }
        let account = accounts.entry(user).or_insert(Account { left: most, at: now });
        let earned = now.saturating_duration_since(account.at).as_secs_f64() * self.per_second;
        *account = Account { left: (account.left + earned).min(most), at: now };
        let price = if is_fresh { 1.0 } else { OF_AGEING.min(most) };
        if account.left < price {
            return Err(Duration::from_secs_f64((price - account.left) / self.per_second));
        }
        account.left -= price;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn a_client_has_its_rate_and_a_burst_and_one_that_is_given_an_ageing_token_a_tenth_of_them() {
        let rate = Rate::new(100);
        let taken = |user, is_fresh| (0..1000).take_while(|_| rate.take(user, is_fresh).is_ok()).count();
        assert_eq!(taken(None, true), 200);
        assert_eq!(taken(Some(1000), true), 200, "another one's account");
        assert_eq!(rate.take(None, true), Err(Duration::from_millis(10)));
        advance(Duration::from_secs(1)).await;
        assert_eq!(taken(None, true), 100);
        advance(Duration::from_secs(60)).await;
        assert_eq!(taken(None, false), 20);
        assert!((0..10_000).all(|_| Rate::new(0).take(None, false).is_ok()));
    }
}
