//! Who is signed in. Kept in memory: after a restart everybody signs in again.

use crate::names::{hash, random_secret};
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Nobody has asked for so long: the page asks every few seconds while it is looked at.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// A working day.
const LONGEST: Duration = Duration::from_secs(12 * 3600);
/// Browsers of one token.
const MOST_OF_ONE: usize = 20;
/// Of all tokens: what they take is bounded.
const MOST: usize = 2000;

struct Session {
    /// The hash of the token that was shown: what it may do is looked up with each request, and a token that was taken back
    /// ends its sessions.
    token: String,
    csrf: Zeroizing<String>,
    opened: Instant,
    used: Instant,
}

impl Session {
    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.used) >= IDLE || now.duration_since(self.opened) >= LONGEST
    }
}

/// By the hash of their ids: who reads this memory has no cookie.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, Session>>);

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

/// A session that was opened.
pub(super) struct Opened {
    pub(super) id: Zeroizing<String>,
    pub(super) csrf: Zeroizing<String>,
}

/// One that a request names.
pub(crate) struct Found {
    pub(super) token: String,
    pub(super) csrf: Zeroizing<String>,
}

impl Found {
    pub(super) fn is_csrf(&self, shown: &[u8]) -> bool {
        bool::from(self.csrf.as_bytes().ct_eq(shown))
    }
}

impl Sessions {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `token` is the hash of the bearer token that was shown.
    pub(super) fn open(&self, token: &str, now: Instant) -> io::Result<Opened> {
        let (id, csrf) = (random_secret("")?, random_secret("")?);
        let mut all = self.all();
        all.retain(|_, session| !session.is_over(now));
        make_room(&mut all, MOST_OF_ONE, |session| session.token == token);
        make_room(&mut all, MOST, |_| true);
        let session = Session { token: token.to_owned(), csrf: csrf.clone(), opened: now, used: now };
        all.insert(hash(&id), session);
        Ok(Opened { id, csrf })
    }

    /// None if it is over, or there was none.
    pub(super) fn find(&self, id: &str, now: Instant) -> Option<Found> {
        let mut all = self.all();
        let session = all.get_mut(&hash(id)).filter(|session| !session.is_over(now))?;
        session.used = now;
        Some(Found { token: session.token.clone(), csrf: session.csrf.clone() })
    }

    pub(super) fn close(&self, id: &str) {
        self.all().remove(&hash(id));
    }
}

/// Ends those that were used longest ago, so that there is place for one more.
fn make_room(all: &mut HashMap<String, Session>, most: usize, counts: impl Fn(&Session) -> bool) {
    while all.values().filter(|session| counts(session)).count() >= most {
        let oldest =
            all.iter().filter(|(_, session)| counts(session)).min_by_key(|(_, session)| session.used);
        let Some(oldest) = oldest.map(|(id, _)| id.clone()) else { return };
        all.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_when_nobody_uses_it_and_after_a_working_day() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let after = |minutes: u64| start + Duration::from_secs(60 * minutes);
        let opened = sessions.open("token", start).unwrap();
        let found = sessions.find(&opened.id, after(29)).unwrap();
        assert_eq!(found.token, "token");
        assert!(
            found.is_csrf(opened.csrf.as_bytes())
                && !found.is_csrf(b"")
                && !found.is_csrf(opened.id.as_bytes())
        );
        assert!(sessions.find(&opened.id, after(59)).is_none(), "half an hour after the last use");
        let used = sessions.open("token", start).unwrap();
        assert!((1..=35).all(|count| sessions.find(&used.id, after(20 * count)).is_some()));
        assert!(sessions.find(&used.id, after(12 * 60)).is_none(), "after a working day");
        assert!(sessions.find("another", start).is_none());
    }

    #[test]
    fn signing_out_ends_it_and_too_many_end_the_one_used_longest_ago() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let after = |seconds: u64| start + Duration::from_secs(seconds);
        let other = sessions.open("other", start).unwrap();
        let all: Vec<_> = (0..20).map(|count| sessions.open("token", after(count)).unwrap()).collect();
        assert!(sessions.find(&all[0].id, after(30)).is_some(), "used: the second one is the oldest now");
        let last = sessions.open("token", after(31)).unwrap();
        assert!(sessions.find(&all[1].id, after(32)).is_none());
        for one in [&other, &all[0], &all[2], &last] {
            assert!(sessions.find(&one.id, after(33)).is_some());
        }
        sessions.close(&last.id);
        assert!(sessions.find(&last.id, after(34)).is_none());
    }
}
