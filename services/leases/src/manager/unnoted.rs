//! What is done while the database takes nothing: on a full disk, or on one that is read-only all at once.
//!
//! It can be read all the same, and what is over does not wait. Whatever is taken back here is taken back again, and noted,
//! once the database works: that changes nothing more.

use super::Manager;
use super::work::{MOST_AT_ONCE, is_of};
use crate::kinds::Removal;
use crate::lease::{Lease, State};
use entrakey_service::Severity;
use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use tokio::task::JoinSet;

/// After an attempt that did not end it; and where Azure wants to be asked later.
const AGAIN_MS: i64 = 60_000;
const LATEST_MS: i64 = 60 * 60 * 1000;

/// Until when a lease is left alone, by its id.
pub(super) type Unnoted = HashMap<String, i64>;

impl Manager {
    pub(super) fn unnoted(&self) -> MutexGuard<'_, Unnoted> {
        self.unnoted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes back what is over and was not taken back so yet.
    pub(super) async fn take_back_unnoted(self: &Arc<Self>) {
        // Another replica may note it meanwhile, and somebody have the user's next password.
        if !self.store.is_alone() {
            return;
        }
        let now = self.clock.now_ms();
        let Ok(due) = self.store.due(now).await else { return };
        let is_over = |lease: &Lease| matches!(lease.state, State::Active | State::Revoking);
        let is_left = |lease: &Lease| self.unnoted().get(&lease.id).is_none_or(|until| *until <= now);
        let mut tasks = JoinSet::new();
        for lease in due.into_iter().filter(is_over).filter(is_left).take(MOST_AT_ONCE) {
            let manager = self.clone();
            tasks.spawn(async move { manager.take_back_one(&lease).await });
        }
        while tasks.join_next().await.is_some() {}
    }

    async fn take_back_one(&self, lease: &Lease) {
        let Some(operations) = self.operations(&lease.secret) else { return };
        if is_of(lease, &operations.plan).is_err() {
            return;
        }
        let outcome = operations.remove(lease).await;
        let now = self.clock.now_ms();
        let until = match outcome {
            Ok(Removal::Gone(_)) => {
                let what = "it is over and taken back, which the database does not take: that is noted later";
                self.tell(Severity::Warning, what, lease);
                i64::MAX
            }
            Ok(_) => now.saturating_add(AGAIN_MS),
            Err(trouble) => {
                now.saturating_add(trouble.retry_after_ms().unwrap_or(0).clamp(AGAIN_MS, LATEST_MS))
            }
        };
        self.unnoted().insert(lease.id.clone(), until);
    }
}
