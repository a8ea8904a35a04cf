//! The users' passwords.

use super::GraphSettings;
use crate::identities::{Directory, Identity, User};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Entra takes no shorter and no longer one.
/// <https://learn.microsoft.com/entra/identity/authentication/concept-sspr-policy#microsoft-entra-password-policies>
const LENGTHS: std::ops::RangeInclusive<usize> = 8..=256;

/// Why a user is not signed in by a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignInError {
    UnknownUser,
    WrongPassword,
    /// The password is right, and to be changed first.
    MustChange,
    /// The password is right and not enough.
    NeedsSecondFactor,
}

#[derive(Clone, Default)]
struct State {
    /// With the time from which on the one before it is replaced; the newest last.
    passwords: Vec<(String, Duration)>,
    must_change: bool,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("must_change", &self.must_change).finish_non_exhaustive()
    }
}

/// By object id.
#[derive(Debug, Default)]
pub(crate) struct Users(Mutex<BTreeMap<String, State>>);

impl Users {
    pub(super) fn new(directory: &Directory) -> Self {
        let initial = directory.users().map(|(identity, user)| {
            let passwords = user.password.iter().map(|secret| (secret.value.clone(), Duration::ZERO));
            (identity.object_id.clone(), State { passwords: passwords.collect(), must_change: false })
        });
        Self(Mutex::new(initial.collect()))
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a password is one that Entra takes: long enough, of three kinds of characters.
    pub(crate) fn is_complex(password: &str) -> bool {
        let kinds: [fn(&char) -> bool; 4] = [
            |letter| letter.is_ascii_lowercase(),
            |letter| letter.is_ascii_uppercase(),
            |letter| letter.is_ascii_digit(),
            |letter| !letter.is_ascii_alphanumeric(),
        ];
        let used = kinds.iter().filter(|kind| password.chars().any(|letter| kind(&letter))).count();
        LENGTHS.contains(&password.chars().count()) && used >= 3
    }

    pub(super) fn set(
        &self,
        object_id: &str,
        password: &str,
        must_change: bool,
        settings: &GraphSettings,
        now: Duration,
    ) {
        let mut all = self.all();
        let state = all.entry(object_id.to_owned()).or_default();
        let current = state.passwords.iter().rposition(|(_, from)| *from <= now).unwrap_or_default();
        state.passwords.drain(..current);
        state.passwords.push((password.to_owned(), now + settings.secret_delay()));
        state.must_change = must_change;
    }

    /// The user whom a name and a password sign in.
    pub(super) fn sign_in<'a>(
        &self,
        directory: &'a Directory,
        name: &str,
        password: &str,
        now: Duration,
    ) -> Result<&'a Identity, SignInError> {
        let named = |(_, user): &(&Identity, &User)| user.principal_name.eq_ignore_ascii_case(name);
        let (identity, user) = directory.users().find(named).ok_or(SignInError::UnknownUser)?;
        let all = self.all();
        let state = all.get(&identity.object_id).ok_or(SignInError::WrongPassword)?;
        let current = state.passwords.iter().rfind(|(_, from)| *from <= now);
        match current {
            Some((current, _)) if current == password => (),
            _ => return Err(SignInError::WrongPassword),
        }
        if state.must_change {
            return Err(SignInError::MustChange);
        }
        if user.second_factor {
            return Err(SignInError::NeedsSecondFactor);
        }
        Ok(identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_password_replaces_the_old_one_when_entra_knows_it() {
        let (users, settings) = (Users::default(), GraphSettings::default());
        let at = Duration::from_secs;
        let current = |now: Duration| {
            let all = users.all();
            let known = all["u"].passwords.iter().rfind(|(_, from)| *from <= now);
            known.map(|(password, _)| password.clone())
        };
        users.set("u", "first", false, &settings, at(1));
        users.set("u", "second", false, &settings, at(10));
        assert_eq!(current(at(1)), None);
        assert_eq!(current(at(10)).as_deref(), Some("first"));
        assert_eq!(current(at(11)).as_deref(), Some("second"));
        users.set("u", "third", false, &settings, at(20));
        assert_eq!(users.all()["u"].passwords.len(), 2, "what is over is forgotten");
    }

    #[test]
    fn a_password_is_of_three_kinds_of_characters_and_eight_long() {
        for (password, is_good) in
            [("Abcdefg1", true), ("abcdefg1", false), ("Abcde1", false), ("abcdefg1!", true), ("", false)]
        {
            assert_eq!(Users::is_complex(password), is_good, "{password}");
        }
    }
}
