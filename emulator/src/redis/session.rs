//! As which user a connection is authenticated, and until when.

use super::access::{Permissions, Policies};
use super::cache::Cache;
use super::clients::DEFAULT_USER;
use super::options::Dialect;
use crate::tokens;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A connection's standing. Moves only when an AUTH is accepted, or by RESET.
#[derive(Default)]
pub(super) struct Session {
    current: Option<Authenticated>,
    /// The object id that this connection counts for: that of its first accepted AUTH.
    counted_for: Option<String>,
    /// Commands since they were last added to the counts.
    commands: u64,
}

struct Authenticated {
    user: String,
    permissions: Arc<Permissions>,
    /// The version of the policies that `permissions` is from.
    version: u64,
    /// Since the Unix epoch, on the emulator's clock. An access key has no end.
    expires: Option<Duration>,
}

/// The refusal of an AUTH, the same whatever the reason.
pub(super) fn refusal(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Oss => "WRONGPASS invalid username-password pair or user is disabled.",
        Dialect::Classic => "ERR WRONGPASS invalid username-password pair",
    }
}

/// The credentials of an AUTH: a user and a token, or an access key.
pub(super) struct Credentials {
    pub(super) user: Option<String>,
    pub(super) secret: String,
}

impl Session {
    pub(super) fn is_authenticated(&self) -> bool {
        self.current.is_some()
    }

    /// What the connection may do: as of now, also if the policy has changed since the AUTH.
    pub(super) fn permissions(&mut self, policies: &Policies) -> Option<&Arc<Permissions>> {
        let current = self.current.as_mut()?;
        let version = policies.version();
        if current.version != version && current.user != DEFAULT_USER {
            current.version = version;
            // One that was taken away stays with this connection: see `Policies::remove`.
            current.permissions = policies.get(&current.user).unwrap_or_else(|| current.permissions.clone());
        }
        Some(&current.permissions)
    }

    /// When the server closes the connection, unless an AUTH comes first.
    pub(super) fn expires(&self) -> Option<Duration> {
        self.current.as_ref()?.expires
    }

    /// Checks credentials. Refused ones change nothing: the connection keeps its user, and the end of its token.
    pub(super) fn authenticate(
        &mut self,
        cache: &Cache,
        credentials: &Credentials,
    ) -> Result<(), &'static str> {
        let accepted = match &credentials.user {
            Some(user) if user != DEFAULT_USER => with_token(cache, user, &credentials.secret),
            _ => with_access_key(cache, &credentials.secret),
        };
        let accepted = accepted.inspect_err(|reason| {
            cache.witness.stats.auth_rejected(reason);
            cache.witness.log.note(format_args!("AUTH refused: {reason}"));
        });
        let accepted = accepted.map_err(|_| refusal(cache.options.dialect()))?;
        let left = accepted.expires.map(|expires| expires.saturating_sub(cache.clock.now()).as_secs());
        cache.witness.log.note(format_args!(
            "AUTH accepted for {}, {}",
            accepted.user,
            left.map_or("without end".to_owned(), |left| format!("{left} s left")),
        ));
        let first = self.counted_for.is_none();
        let counted_for = self.counted_for.get_or_insert_with(|| accepted.user.clone());
        cache.witness.stats.update(counted_for, |counts| {
            counts.auths += 1;
            counts.connections += u64::from(first);
            counts.connected += u64::from(first);
        });
        self.current = Some(accepted);
        Ok(())
    }

    pub(super) fn user(&self) -> &str {
        self.current.as_ref().map_or(DEFAULT_USER, |current| &current.user)
    }

    pub(super) fn reset(&mut self) {
        self.current = None;
    }

    pub(super) fn count_command(&mut self) {
        self.commands += 1;
    }

    /// Adds the commands to the counts: once for many of them, as others look at those too.
    pub(super) fn flush_counts(&mut self, cache: &Cache) {
        if self.commands > 0
            && let Some(object_id) = &self.counted_for
        {
            cache.witness.stats.update(object_id, |counts| counts.commands += self.commands);
            self.commands = 0;
        }
    }

    /// The connection is closed.
    pub(super) fn end(&mut self, cache: &Cache, expired: bool) {
        self.flush_counts(cache);
        if let Some(object_id) = &self.counted_for {
            cache.witness.stats.update(object_id, |counts| {
                counts.connected = counts.connected.saturating_sub(1);
                counts.expired += u64::from(expired);
            });
        }
        if expired {
            cache.witness.log.note(format_args!("connection of {} closed: its token expired", self.user()));
        }
    }
}

fn with_token(cache: &Cache, user: &str, token: &str) -> Result<Authenticated, &'static str> {
    if !cache.takes_tokens.load(Ordering::Acquire) {
        return Err("Entra is switched off");
    }
    let accepted = tokens::verify(&cache.signing_keys, cache.clock.now(), user, token)?;
    let policies = &cache.policies;
    let version = policies.version();
    let permissions =
        policies.get(&accepted.object_id).ok_or("the object id has no access policy assignment")?;
    Ok(Authenticated { user: accepted.object_id, permissions, version, expires: Some(accepted.expires) })
}

fn with_access_key(cache: &Cache, key: &str) -> Result<Authenticated, &'static str> {
    let permissions = cache.access_keys.permissions_for(key)?;
    Ok(Authenticated { user: DEFAULT_USER.to_owned(), permissions, version: 0, expires: None })
}
