//! The passwords of applications: those of the file of identities, and those that Graph adds and removes.

use super::GraphSettings;
use crate::identities::{ClientSecret, Directory};
use crate::uuid::uuid;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What Graph gives a password that says no end.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(2 * 365 * 24 * 3600);
/// An application that personal accounts may sign in to has no more.
const MAX_OF_PERSONAL: usize = 2;
/// What is shown as the end of a password that the file of identities gives none, as Entra writes "never".
const NEVER: Duration = Duration::from_secs(10_413_792_000); // 2299-12-31

/// On which of an application's two objects a password is. Either signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    Application,
    ServicePrincipal,
}

/// Times are since the Unix epoch, on the emulator's clock.
#[derive(Clone)]
pub(crate) struct Password {
    pub(crate) key_id: String,
    pub(crate) value: String,
    pub(crate) display_name: Option<String>,
    pub(crate) start: Duration,
    /// Of those that the file of identities has some end never.
    end: Option<Duration>,
    on: Holder,
    /// None: it was there before the emulator.
    created: Option<Duration>,
    removed: Option<Duration>,
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Password").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// What is asked of a new one.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) display_name: Option<String>,
    pub(crate) start: Option<Duration>,
    pub(crate) end: Option<Duration>,
}

/// Why there is no new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddError {
    EndsBeforeItBegins,
    NotAllowed,
    LivesTooLong,
    TooManyForPersonalAccounts,
    TooLarge,
}

/// Why a secret does not sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretError {
    /// Nothing like it is known: never, not yet or no more.
    Unknown,
    Expired,
}

/// By client id.
#[derive(Debug, Default)]
pub(crate) struct Passwords(Mutex<BTreeMap<String, Vec<Password>>>);

impl Password {
    fn initial(secret: &ClientSecret) -> Self {
        Self {
            key_id: uuid(),
            value: secret.value.clone(),
            display_name: Some("of the file of identities".to_owned()),
            start: Duration::ZERO,
            end: secret.expires,
            on: Holder::Application,
            created: None,
            removed: None,
        }
    }

    /// Its end, as it is shown.
    pub(crate) fn shown_end(&self) -> Duration {
        self.end.unwrap_or(NEVER)
    }

    /// Whether it exists for whoever sees what is new, and what is gone, so much later.
    fn is_seen(&self, now: Duration, new_after: Duration, gone_after: Duration) -> bool {
        self.created.is_none_or(|created| created + new_after <= now)
            && self.removed.is_none_or(|removed| removed + gone_after > now)
    }
}

impl Passwords {
    pub(super) fn new(directory: &Directory) -> Self {
        let initial = directory.applications().map(|(identity, application)| {
            (key(&identity.client_id), application.secrets.iter().map(Password::initial).collect())
        });
        Self(Mutex::new(initial.collect()))
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Password>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the token endpoint takes a secret.
    pub(super) fn check(
        &self,
        client_id: &str,
        secret: &str,
        settings: &GraphSettings,
        now: Duration,
    ) -> Result<(), SecretError> {
        let all = self.all();
        let known = all.get(&key(client_id)).into_iter().flatten().find(|password| {
            password.value == secret
                && password.is_seen(now, settings.secret_delay(), settings.removal_delay())
        });
        match known {
            None => Err(SecretError::Unknown),
            Some(known) if known.end.is_some_and(|end| end <= now) => Err(SecretError::Expired),
            Some(known) if known.start > now => Err(SecretError::Unknown),
            Some(_) => Ok(()),
        }
    }

    /// Those of an object, as reads show them.
    pub(super) fn list(
        &self,
        client_id: &str,
        on: Holder,
        settings: &GraphSettings,
        now: Duration,
    ) -> Vec<Password> {
        let lag = settings.read_delay();
        let all = self.all();
        let shown = all.get(&key(client_id)).into_iter().flatten();
        shown.filter(|password| password.on == on && password.is_seen(now, lag, lag)).cloned().collect()
    }

    pub(super) fn add(
        &self,
        client_id: &str,
        on: Holder,
        wanted: Wanted,
        settings: &GraphSettings,
        now: Duration,
    ) -> Result<Password, AddError> {
        let start = wanted.start.unwrap_or(now);
        let end = wanted.end.unwrap_or(start + DEFAULT_LIFETIME);
        if end <= start || end <= now {
            return Err(AddError::EndsBeforeItBegins);
        }
        if !settings.passwords_allowed {
            return Err(AddError::NotAllowed);
        }
        let longest = settings.max_lifetime_seconds.map(Duration::from_secs);
        if longest.is_some_and(|longest| end.saturating_sub(start) > longest) {
            return Err(AddError::LivesTooLong);
        }
        let mut all = self.all();
        let passwords = all.entry(key(client_id)).or_default();
        let kept = settings.read_delay().max(settings.removal_delay());
        passwords.retain(|password| password.removed.is_none_or(|removed| removed + kept > now));
        let living =
            passwords.iter().filter(|password| password.on == on && password.removed.is_none()).count();
        if settings.personal_accounts && living >= MAX_OF_PERSONAL {
            return Err(AddError::TooManyForPersonalAccounts);
        }
        if living >= settings.max_passwords {
            return Err(AddError::TooLarge);
        }
        let password = Password {
            key_id: uuid(),
            value: super::secret_text(),
            display_name: wanted.display_name,
            start,
            end: Some(end),
            on,
            created: Some(now),
            removed: None,
        };
        passwords.push(password.clone());
        Ok(password)
    }

    /// Whether one was found to be removed.
    pub(super) fn remove(
        &self,
        client_id: &str,
        on: Holder,
        key_id: &str,
        settings: &GraphSettings,
        now: Duration,
    ) -> bool {
        let mut all = self.all();
        let mut passwords = all.get_mut(&key(client_id)).into_iter().flatten();
        let found = passwords.find(|password| {
            password.on == on
                && password.key_id.eq_ignore_ascii_case(key_id)
                && password.is_seen(now, settings.lookup_delay(), Duration::ZERO)
        });
        found.map(|password| password.removed = Some(now)).is_some()
    }
}

fn key(client_id: &str) -> String {
    client_id.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_800_000_000);

    fn after(ms: u64) -> Duration {
        NOW + Duration::from_millis(ms)
    }

    fn added(passwords: &Passwords, settings: &GraphSettings) -> Password {
        passwords.add("App", Holder::Application, Wanted::default(), settings, NOW).unwrap()
    }

    #[test]
    fn a_new_one_is_taken_late_found_late_and_shown_late() {
        let (passwords, delays) = (Passwords::default(), GraphSettings::default());
        let delays =
            GraphSettings { lookup_delay_ms: 300, read_delay_ms: 400, removal_delay_ms: 50, ..delays };
        let new = added(&passwords, &delays);
        let check = |at| passwords.check("aPP", &new.value, &delays, at);
        let shown = |at| passwords.list("app", Holder::Application, &delays, at).len();
        let remove = |at| passwords.remove("app", Holder::Application, &new.key_id, &delays, at);
        assert_eq!((check(after(249)), check(after(250))), (Err(SecretError::Unknown), Ok(())));
        assert_eq!((shown(after(399)), shown(after(400))), (0, 1));
        assert!(!remove(after(299)), "not found though it exists");
        assert!(remove(after(500)) && !remove(after(501)));
        assert_eq!((check(after(549)), check(after(550))), (Ok(()), Err(SecretError::Unknown)));
        assert_eq!((shown(after(899)), shown(after(900))), (1, 0));
        assert_eq!(new.shown_end() - new.start, DEFAULT_LIFETIME);
    }

    #[test]
    fn it_ends_by_itself_and_not_before_it_begins() {
        let (passwords, settings) = (Passwords::default(), GraphSettings::default());
        let wanted = Wanted { start: Some(after(1000)), end: Some(after(2000)), ..Wanted::default() };
        let new = passwords.add("app", Holder::ServicePrincipal, wanted, &settings, NOW).unwrap();
        let check = |at| passwords.check("app", &new.value, &settings, at);
        assert_eq!(check(after(999)), Err(SecretError::Unknown));
        assert_eq!((check(after(1999)), check(after(2000))), (Ok(()), Err(SecretError::Expired)));
        assert!(passwords.list("app", Holder::Application, &settings, after(1500)).is_empty());
        let past = Wanted { end: Some(NOW), ..Wanted::default() };
        let refused = passwords.add("app", Holder::Application, past, &settings, NOW).unwrap_err();
        assert_eq!(refused, AddError::EndsBeforeItBegins);
    }

    #[test]
    fn policies_and_sizes_refuse() {
        let refusal = |settings: GraphSettings| {
            let passwords = Passwords::default();
            let add = || passwords.add("app", Holder::Application, Wanted::default(), &settings, NOW);
            (0..9).find_map(|count| add().err().map(|error| (count, error)))
        };
        let plain = GraphSettings::default();
        assert_eq!(refusal(plain), None);
        let none = GraphSettings { passwords_allowed: false, ..plain };
        assert_eq!(refusal(none), Some((0, AddError::NotAllowed)));
        let short = GraphSettings { max_lifetime_seconds: Some(3600), ..plain };
        assert_eq!(refusal(short), Some((0, AddError::LivesTooLong)));
        let personal = GraphSettings { personal_accounts: true, ..plain };
        assert_eq!(refusal(personal), Some((2, AddError::TooManyForPersonalAccounts)));
        let small = GraphSettings { max_passwords: 3, ..plain };
        assert_eq!(refusal(small), Some((3, AddError::TooLarge)));
    }
}
