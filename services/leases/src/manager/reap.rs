//! Takes back what no lease knows: after the database was lost, or put back from a copy.

use super::Manager;
use super::work::SERVICE;
use crate::kinds::{Found, Operations};
use crate::lease::Kind;
use crate::store::Entry;

/// Younger keys may be those of a lease that is just being made, by a replica that has not been heard of.
const LEAST_AGE_MS: i64 = 15 * 60 * 1000;

/// One key of ours at Azure that nobody should have.
#[derive(Debug)]
pub struct Reaped {
    /// The secret of the configuration by which it was found.
    pub secret: String,
    /// What Azure calls it.
    pub key_id: String,
    /// What we called it.
    pub display_name: String,
    /// Whether it is gone now, and why not.
    pub outcome: Result<bool, String>,
}

impl Manager {
    /// Looks for keys and assignments of this installation that no living lease knows, and removes them unless `dry_run`.
    /// Names of others are never touched, nor keys that are younger than 15 minutes. Of a secret that cannot be looked at
    /// there is a sentence.
    pub async fn reap(&self, dry_run: bool) -> Vec<Result<Reaped, String>> {
        let mut all = Vec::new();
        for operations in self.all_operations() {
            let found = match operations.ours().await {
                Ok(found) => found,
                Err(trouble) => {
                    all.push(Err(format!("{}: {}", operations.plan.name, trouble.told())));
                    continue;
                }
            };
            for one in found {
                match self.is_stray(operations, &one).await {
                    Ok(false) => {}
                    Ok(true) => all.push(Ok(self.reap_one(operations, one, dry_run).await)),
                    Err(what) => all.push(Err(format!("{}: {what}", operations.plan.name))),
                }
            }
        }
        all
    }

    async fn is_stray(&self, operations: &Operations, found: &Found) -> Result<bool, String> {
        let lease = match self.store.by_display_name(&found.display_name).await? {
            Some(lease) => Some(lease),
            None => self.store.by_key_id(&found.key_id).await?,
        };
        let is_living = lease.as_ref().is_some_and(|lease| !lease.state.is_over());
        let now = self.clock.now_ms();
        // Of an assignment Azure does not say since when it is there; what was noted last says that nobody makes one now.
        let is_old = match found.since_ms {
            Some(since) => now.saturating_sub(since) >= LEAST_AGE_MS,
            None => self
                .newest_of(operations.plan.kind())
                .await?
                .is_none_or(|at| now.saturating_sub(at) >= LEAST_AGE_MS),
        };
        Ok(!is_living && is_old)
    }

    /// When the newest lease of a kind was made: several secrets may be of one cache.
    async fn newest_of(&self, kind: Kind) -> Result<Option<i64>, String> {
        let mut newest = None;
        for operations in self.all_operations().filter(|one| one.plan.kind() == kind) {
            newest = newest.max(self.store.newest(&operations.plan.name).await?);
        }
        Ok(newest)
    }

    async fn reap_one(&self, operations: &Operations, found: Found, dry_run: bool) -> Reaped {
        let secret = operations.plan.name.clone();
        let outcome = match dry_run {
            true => Ok(false),
            false => {
                let removed = operations.remove_found(&found).await;
                let entry = Entry {
                    at_ms: self.clock.now_ms(),
                    event: if removed.is_ok() { "reaped" } else { "reap_failed" }.to_owned(),
                    actor: SERVICE.to_owned(),
                    secret: Some(secret.clone()),
                    key_id: Some(found.key_id.clone()),
                    detail: Some(found.display_name.clone()),
                    ..Entry::default()
                };
                let noted = self.store.note(&entry).await;
                removed.map_err(|trouble| trouble.told()).and(noted.map(|()| true))
            }
        };
        Reaped { secret, key_id: found.key_id, display_name: found.display_name, outcome }
    }
}
