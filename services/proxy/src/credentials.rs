//! A token as it is sent.

use crate::wire;
use entrakey_core::Token;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// The `AUTH` of one token, for all connections.
pub(crate) struct Credentials {
    pub(crate) version: u64,
    pub(crate) username: String,
    /// The whole request. Wiped when dropped.
    pub(crate) request: Zeroizing<Vec<u8>>,
    validity: Validity,
}

/// What says for how long a token is good.
enum Validity {
    /// Core's clocks: they count the time that the machine is suspended, which `Instant` leaves out.
    Token(Arc<Token>),
    #[cfg(test)]
    Left(Duration),
}

impl Credentials {
    pub(crate) fn from_token(token: &Arc<Token>) -> Self {
        let validity = Validity::Token(token.clone());
        Self::new(token.version(), token.username(), token.secret(), validity)
    }

    /// That never get older.
    #[cfg(test)]
    pub(crate) fn good_for(left: Duration, version: u64, username: &str, secret: &str) -> Self {
        Self::new(version, username, secret, Validity::Left(left))
    }

    fn new(version: u64, username: &str, secret: &str, validity: Validity) -> Self {
        let words = [b"AUTH", username.as_bytes(), secret.as_bytes()];
        Self {
            version,
            username: username.to_owned(),
            request: Zeroizing::new(wire::request(&words)),
            validity,
        }
    }

    /// Whether they are this very token's: the same one may be seen again with another end.
    pub(crate) fn are_of(&self, token: &Arc<Token>) -> bool {
        match &self.validity {
            Validity::Token(own) => Arc::ptr_eq(own, token),
            #[cfg(test)]
            Validity::Left(_) => false,
        }
    }

    /// For how long they are good from now on, as far as it is known.
    pub(crate) fn time_left(&self) -> Duration {
        match &self.validity {
            Validity::Token(token) => token.usable_for(),
            #[cfg(test)]
            Validity::Left(left) => *left,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials(version {})", self.version)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Options, Proxy, Upstream};
    use entrakey_core::{Config, Provider};
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

    #[test]
    fn how_long_they_are_good_is_asked_of_the_token_which_may_be_seen_again_with_another_end() {
        let (mut config, asked) = (Config::new(), AtomicU64::new(0));
        config.set("min_request_interval_ms", "250").unwrap();
        config.on_token_request(move |request| {
            let minutes = if asked.fetch_add(1, Ordering::Relaxed) == 0 { 30 } else { 60 };
            let end =
                SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(60 * minutes);
            let end = u64::try_from(end.as_millis()).unwrap();
            request.complete_as("oid".to_owned(), "the-same".to_owned().into(), Some(end));
        });
        let provider = Provider::new(&config).unwrap();
        provider.get_token().unwrap();
        let upstream = Upstream::plaintext("127.0.0.1", 1).unwrap();
        let shared = Proxy::new(upstream, provider.clone(), Options::default()).shared;
        let left = || shared.newest().unwrap().time_left();
        assert!(left() < Duration::from_secs(30 * 60));
        provider.refresh().unwrap();
        let started = Instant::now();
        while left() < Duration::from_secs(40 * 60) {
            assert!(started.elapsed() < Duration::from_secs(20), "{:?}", left());
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(provider.version(), 1);
    }
}
