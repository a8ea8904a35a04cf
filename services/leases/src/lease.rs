//! One lease: what is known of it, and what is due. No I/O: the store keeps it, the manager does what is due.

use std::fmt;
use std::str::FromStr;

/// What a lease hands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A client secret of an application's, one for each lease.
    ApplicationPassword,
    /// An access policy assignment on a cache.
    RedisAccess,
    /// A user's password, which is another one afterwards.
    UserPassword,
}

/// Where a lease stands. Each step is a commit of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Azure is about to be asked. Whether there is anything to take back is not known.
    Intent,
    /// Azure has made it. Nobody has it yet.
    Created,
    /// It was handed out.
    Active,
    /// It is to be taken back.
    Revoking,
    /// It is taken back.
    Revoked,
    /// There never was anything.
    Failed,
}

/// A word that is neither a kind nor a state.
#[derive(Debug)]
pub struct Unknown;

macro_rules! words {
    ($type:ty, $($variant:path => $word:literal),+) => {
        impl $type {
            /// The word for it, in the API and in the database.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $($variant => $word),+ }
            }
        }
        impl FromStr for $type {
            type Err = Unknown;
            fn from_str(word: &str) -> Result<Self, Unknown> {
                match word { $($word => Ok($variant),)+ _ => Err(Unknown) }
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

words!(Kind, Kind::ApplicationPassword => "application_password", Kind::RedisAccess => "redis_access",
    Kind::UserPassword => "user_password");
words!(State, State::Intent => "intent", State::Created => "created", State::Active => "active",
    State::Revoking => "revoking", State::Revoked => "revoked", State::Failed => "failed");

impl State {
    /// Whether it is over, and nothing of it is left at Azure.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Revoked | Self::Failed)
    }
}

/// A lease as the store has it. Times are milliseconds since 1970, by Azure's clock. Its secret is nowhere in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// What it is called.
    pub id: String,
    /// The entry of the configuration that it was made from.
    pub secret: String,
    /// What it hands out.
    pub kind: Kind,
    /// Whose directory it is in, if that was known.
    pub tenant: Option<String>,
    /// Of whom: an application's client id, a user's object id, or a cache and an object id.
    pub target: String,
    /// What the user of a password signed in as when it was made.
    pub user_name: Option<String>,
    /// Who asked for it.
    pub holder: String,
    /// Where it stands.
    pub state: State,
    /// When it was asked for.
    pub created_ms: i64,
    /// For how long.
    pub ttl_ms: i64,
    /// When it ends, if it is not renewed.
    pub expires_ms: i64,
    /// When it ends at last.
    pub max_expires_ms: i64,
    /// When something has to be done.
    pub due_ms: Option<i64>,
    /// What it is called at Azure.
    pub display_name: String,
    /// What Azure calls it.
    pub key_id: Option<String>,
    /// Why it ends, or failed.
    pub reason: Option<String>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// Failures in a row.
    pub attempts: i64,
    /// How often Azure said that there is no such thing.
    pub misses: i64,
    /// Who works on it, and until when nobody else may.
    pub owner: Option<String>,
    /// Until when.
    pub claimed_until_ms: i64,
    /// Counts its changes.
    pub version: i64,
    /// The hash of the key by which its maker would know it again.
    pub idempotency: Option<String>,
}

/// What has to be done with a lease that nobody works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing before that time.
    Wait(i64),
    /// Whoever made it is gone: look whether Azure has made it.
    Find,
    /// It never came into being.
    Fail,
    /// Its time is over, or nobody got it.
    Revoke(Because),
    /// Take it back.
    Remove,
    /// Nothing, ever.
    Nothing,
}

/// Why a lease is taken back without anybody's asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// Its time is over.
    Expired,
    /// Its secret was never handed out, and is gone.
    Undelivered,
}

impl Because {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Undelivered => "undelivered",
        }
    }
}

/// How long things may take until they count as they seem. (Azure's reads lag behind its writes.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// An intent of that age, of which Azure knows nothing, has come to nothing.
    pub intent_ms: i64,
    /// Azure says "not found" soon after it has made something. Only what it says twice, that far apart, counts.
    pub between_misses_ms: i64,
}

impl Default for Waits {
    fn default() -> Self {
        Self { intent_ms: 15 * 60 * 1000, between_misses_ms: 60 * 1000 }
    }
}

/// So many times Azure must say that there is no such thing.
pub const MISSES: i64 = 2;

impl Lease {
    /// What is due now.
    #[must_use]
    pub fn due(&self, now_ms: i64, waits: Waits) -> Due {
        match (self.state, self.due_ms) {
            (State::Revoked | State::Failed, _) | (_, None) => Due::Nothing,
            (_, Some(due)) if due > now_ms => Due::Wait(due),
            // A password that was or was not set is set to another one; there is nothing to be looked for.
            (State::Intent, _) if self.kind == Kind::UserPassword => Due::Revoke(Because::Undelivered),
            (State::Intent, _)
                if self.misses > 0 && now_ms >= self.created_ms.saturating_add(waits.intent_ms) =>
            {
                Due::Fail
            }
            (State::Intent, _) => Due::Find,
            (State::Created, _) => Due::Revoke(Because::Undelivered),
            (State::Active, _) => Due::Revoke(Because::Expired),
            (State::Revoking, _) => Due::Remove,
        }
    }

    /// Until when it lives if it is renewed now, for its own time if no other is given. None if nothing moves.
    #[must_use]
    pub fn renewed(&self, now_ms: i64, ttl_ms: Option<i64>) -> Option<i64> {
        let until = now_ms.saturating_add(ttl_ms.unwrap_or(self.ttl_ms)).min(self.max_expires_ms);
        (self.state == State::Active && self.expires_ms > now_ms && until > self.expires_ms).then_some(until)
    }

    /// It is to be taken back from now on.
    pub fn start_revoking(&mut self, because: &str, now_ms: i64) {
        self.state = State::Revoking;
        self.reason = Some(because.to_owned());
        self.due_ms = Some(now_ms);
        (self.attempts, self.misses) = (0, 0);
    }

    /// It is over.
    pub fn end(&mut self, state: State) {
        self.state = state;
        self.due_ms = None;
        self.release();
    }

    /// Nobody works on it.
    pub fn release(&mut self) {
        (self.owner, self.claimed_until_ms) = (None, 0);
    }

    /// Azure said that there is no such thing. Whether that is enough.
    pub fn miss(&mut self, now_ms: i64, waits: Waits) -> bool {
        self.misses += 1;
        self.due_ms = Some(now_ms.saturating_add(waits.between_misses_ms));
        self.misses >= MISSES
    }

    /// Something went wrong: it is tried again, ever more slowly, and not before Azure wants it.
    pub fn fail_step(&mut self, now_ms: i64, error: String, retry_after_ms: Option<i64>) {
        const FIRST_MS: i64 = 1000;
        const MOST_MS: i64 = 5 * 60 * 1000; // permissions that somebody mends are seen soon enough
        const MOST_RETRY_AFTER_MS: i64 = 60 * 60 * 1000; // Azure's longest windows; more would put off the end at will
        let wait = FIRST_MS.saturating_mul(1 << self.attempts.clamp(0, 20)).min(MOST_MS);
        self.attempts += 1;
        self.last_error = Some(error);
        self.due_ms =
            Some(now_ms.saturating_add(wait.max(retry_after_ms.unwrap_or(0).min(MOST_RETRY_AFTER_MS))));
    }

    /// An intent of which Azure knows nothing yet.
    pub fn not_found_yet(&mut self, now_ms: i64, waits: Waits) {
        const FIRST_MS: i64 = 5000;
        self.misses += 1;
        let last = self.created_ms.saturating_add(waits.intent_ms);
        let wait = FIRST_MS.saturating_mul(1 << self.misses.clamp(0, 5));
        let next = now_ms.saturating_add(wait);
        self.due_ms = Some(if now_ms < last { next.min(last) } else { now_ms });
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn lease(state: State) -> Lease {
        Lease {
            id: "a".to_owned(),
            secret: "orders".to_owned(),
            kind: Kind::ApplicationPassword,
            tenant: None,
            target: "app".to_owned(),
            user_name: None,
            holder: "ci".to_owned(),
            state,
            created_ms: 1000,
            ttl_ms: 60_000,
            expires_ms: 61_000,
            max_expires_ms: 301_000,
            due_ms: Some(61_000),
            display_name: "entrakey/test/a".to_owned(),
            key_id: None,
            reason: None,
            last_error: None,
            attempts: 0,
            misses: 0,
            owner: None,
            claimed_until_ms: 0,
            version: 0,
            idempotency: None,
        }
    }

    const WAITS: Waits = Waits { intent_ms: 900_000, between_misses_ms: 60_000 };

    #[test]
    fn for_each_state_it_is_said_what_is_due() {
        for (state, kind, misses, now, due) in [
            (State::Intent, Kind::ApplicationPassword, 0, 60_999, Due::Wait(61_000)),
            (State::Intent, Kind::ApplicationPassword, 0, 61_000, Due::Find),
            (State::Intent, Kind::ApplicationPassword, 3, 900_999, Due::Find),
            (State::Intent, Kind::ApplicationPassword, 3, 901_000, Due::Fail),
            // However late it is: it must have been looked for.
            (State::Intent, Kind::ApplicationPassword, 0, 9_000_000, Due::Find),
            (State::Intent, Kind::RedisAccess, 0, 61_000, Due::Find),
            (State::Intent, Kind::UserPassword, 0, 61_000, Due::Revoke(Because::Undelivered)),
            (State::Created, Kind::ApplicationPassword, 0, 61_000, Due::Revoke(Because::Undelivered)),
            (State::Active, Kind::ApplicationPassword, 0, 60_999, Due::Wait(61_000)),
            (State::Active, Kind::ApplicationPassword, 0, 61_000, Due::Revoke(Because::Expired)),
            (State::Revoking, Kind::ApplicationPassword, 0, 61_000, Due::Remove),
            (State::Revoked, Kind::ApplicationPassword, 0, i64::MAX, Due::Nothing),
            (State::Failed, Kind::ApplicationPassword, 0, i64::MAX, Due::Nothing),
        ] {
            let lease = Lease { kind, misses, ..lease(state) };
            assert_eq!(lease.due(now, WAITS), due, "{state} {kind} {misses} {now}");
        }
    }

    #[test]
    fn a_renewal_reaches_from_now_and_never_past_the_end() {
        let active = lease(State::Active);
        assert_eq!(active.renewed(31_000, None), Some(91_000));
        assert_eq!(active.renewed(31_000, Some(10_000)), None, "nothing moves");
        assert_eq!(active.renewed(31_000, Some(i64::MAX)), Some(301_000));
        assert_eq!(active.renewed(61_000, None), None, "it is over");
        let last = Lease { expires_ms: 301_000, ..lease(State::Active) };
        assert_eq!(last.renewed(300_000, None), None);
        assert_eq!(lease(State::Revoking).renewed(31_000, None), None);
    }

    #[test]
    fn only_two_answers_a_minute_apart_are_believed() {
        let mut lease = lease(State::Revoking);
        assert!(!lease.miss(61_000, WAITS));
        assert_eq!(lease.due(61_001, WAITS), Due::Wait(121_000));
        assert!(lease.miss(121_000, WAITS));
    }

    #[test]
    fn failures_are_tried_again_ever_more_slowly_and_not_before_azure_wants_it() {
        let mut lease = lease(State::Revoking);
        let mut waits = Vec::new();
        for _ in 0..12 {
            lease.fail_step(0, "no".to_owned(), None);
            waits.push(lease.due_ms.unwrap_or_default() / 1000);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        lease.attempts = 0;
        lease.fail_step(0, "no".to_owned(), Some(30_000));
        assert_eq!(lease.due_ms, Some(30_000));
        lease.fail_step(0, "no".to_owned(), Some(i64::MAX));
        assert_eq!(lease.due_ms, Some(3_600_000), "nobody puts off the end at will");
    }

    #[test]
    fn an_intent_is_looked_for_until_its_time_is_over() {
        let mut lease = lease(State::Intent);
        let (mut now, mut looks) = (61_000, 0);
        while lease.due(now, WAITS) != Due::Fail {
            match lease.due(now, WAITS) {
                Due::Find => lease.not_found_yet(now, WAITS),
                Due::Wait(until) => now = until,
                other => panic!("{other:?}"),
            }
            looks += 1;
            assert!(looks < 100, "it has no end");
        }
        assert_eq!(now, 901_000);
    }
}
