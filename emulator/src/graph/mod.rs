//! What Microsoft Graph knows and changes: passwords of applications and users, and who may do that.

mod grants;
mod passwords;
mod settings;
mod users;

pub use grants::{DirectoryRole, GraphGrant, Permission};
pub(crate) use passwords::{AddError, Holder, Password, SecretError, Wanted};
pub use settings::GraphSettings;
pub(crate) use users::{SignInError, Users};

use crate::identities::{Directory, Identity};
use passwords::Passwords;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The part of the tenant that changes.
#[derive(Debug)]
pub(crate) struct Graph {
    passwords: Passwords,
    users: Users,
    /// By object id.
    grants: Mutex<BTreeMap<String, GraphGrant>>,
    settings: Mutex<GraphSettings>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A secret that looks as Entra's do: three letters, `8Q~`, and 34 more.
fn secret_text() -> String {
    let mut letters = std::iter::repeat_with(fastrand::alphanumeric);
    let head: String = letters.by_ref().take(3).collect();
    let tail: String = letters.take(34).collect();
    format!("{head}8Q~{tail}")
}

impl Graph {
    pub(crate) fn new(directory: &Directory, settings: GraphSettings) -> Self {
        let granted = directory.identities.iter().filter(|identity| identity.grant != GraphGrant::default());
        let grants = granted.map(|identity| (identity.object_id.clone(), identity.grant.clone()));
        Self {
            passwords: Passwords::new(directory),
            users: Users::new(directory),
            grants: Mutex::new(grants.collect()),
            settings: Mutex::new(settings),
        }
    }

    pub(crate) fn settings(&self) -> GraphSettings {
        *lock(&self.settings)
    }

    pub(crate) fn set_settings(&self, settings: GraphSettings) {
        *lock(&self.settings) = settings;
    }

    /// What everybody may do who may do anything, by object id.
    pub(crate) fn grants(&self) -> BTreeMap<String, GraphGrant> {
        lock(&self.grants).clone()
    }

    pub(crate) fn grant(&self, object_id: &str) -> GraphGrant {
        lock(&self.grants).get(object_id).cloned().unwrap_or_default()
    }

    pub(crate) fn set_grant(&self, object_id: &str, grant: GraphGrant) {
        lock(&self.grants).insert(object_id.to_owned(), grant);
    }

    /// Whether the token endpoint takes a secret of an application's.
    pub(crate) fn check_secret(
        &self,
        client_id: &str,
        secret: &str,
        now: Duration,
    ) -> Result<(), SecretError> {
        self.passwords.check(client_id, secret, &self.settings(), now)
    }

    pub(crate) fn passwords(&self, client_id: &str, on: Holder, now: Duration) -> Vec<Password> {
        self.passwords.list(client_id, on, &self.settings(), now)
    }

    pub(crate) fn add_password(
        &self,
        client_id: &str,
        on: Holder,
        wanted: Wanted,
        now: Duration,
    ) -> Result<Password, AddError> {
        self.passwords.add(client_id, on, wanted, &self.settings(), now)
    }

    pub(crate) fn remove_password(&self, client_id: &str, on: Holder, key_id: &str, now: Duration) -> bool {
        self.passwords.remove(client_id, on, key_id, &self.settings(), now)
    }

    pub(crate) fn set_user_password(
        &self,
        object_id: &str,
        password: &str,
        must_change: bool,
        now: Duration,
    ) {
        self.users.set(object_id, password, must_change, &self.settings(), now);
    }

    pub(crate) fn sign_in<'a>(
        &self,
        directory: &'a Directory,
        name: &str,
        password: &str,
        now: Duration,
    ) -> Result<&'a Identity, SignInError> {
        self.users.sign_in(directory, name, password, now)
    }
}
