//! MULTI, EXEC, DISCARD, WATCH. <https://redis.io/docs/latest/develop/using-commands/transactions/>

use crate::redis::commands::Found;
use crate::redis::reply::Reply;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The commands that wait for EXEC, and the keys on which they depend.
#[derive(Default)]
pub(in crate::redis) struct Transaction {
    queue: Option<Vec<(Vec<Bytes>, Found)>>,
    spoiled: bool,
    /// Keys, how often each has been changed, and how often when it was first watched.
    watched: Vec<(Bytes, Arc<AtomicU64>, u64)>,
    /// EXEC is at work: nothing may wait.
    executing: bool,
}

/// These are run at once also between MULTI and EXEC.
const NEVER_QUEUED: [&str; 6] = ["EXEC", "DISCARD", "MULTI", "WATCH", "QUIT", "RESET"];

impl Transaction {
    pub(in crate::redis) fn is_open(&self) -> bool {
        self.queue.is_some()
    }

    pub(in crate::redis) fn is_executing(&self) -> bool {
        self.executing
    }

    pub(super) fn takes(&self, command: &str) -> bool {
        self.is_open() && !NEVER_QUEUED.contains(&command)
    }

    pub(super) fn push(&mut self, words: &[Bytes], found: Found) {
        self.queue.get_or_insert_default().push((words.to_vec(), found));
    }

    pub(super) fn queued(&self) -> Option<usize> {
        self.queue.as_ref().map(Vec::len)
    }

    pub(super) fn spoil(&mut self) {
        self.spoiled = self.is_open();
    }

    pub(in crate::redis) fn open(&mut self) {
        self.queue = Some(Vec::new());
        self.spoiled = false;
    }

    /// Also forgets what was watched.
    pub(in crate::redis) fn discard(&mut self) {
        *self = Self::default();
    }

    /// Remembers how often a key had been changed when it was first watched.
    pub(super) fn watch(&mut self, key: &Bytes, changes: impl FnOnce() -> Arc<AtomicU64>) {
        if !self.watched.iter().any(|(watched, ..)| watched == key) {
            let changes = changes();
            let before = changes.load(Ordering::Relaxed);
            self.watched.push((key.clone(), changes, before));
        }
    }

    fn is_stale(&self) -> bool {
        self.watched.iter().any(|(_, changes, before)| changes.load(Ordering::Relaxed) != *before)
    }

    /// What EXEC is to run, or its reply if it is to run nothing. The transaction is over.
    pub(super) fn close(&mut self) -> Result<Vec<(Vec<Bytes>, Found)>, Reply> {
        if !self.is_open() {
            return Err(Reply::error("ERR EXEC without MULTI")); // what is watched stays watched
        }
        let transaction = std::mem::take(self);
        if transaction.spoiled {
            return Err(Reply::error("EXECABORT Transaction discarded because of previous errors."));
        }
        if transaction.is_stale() {
            return Err(Reply::NullArray);
        }
        Ok(transaction.queue.unwrap_or_default())
    }

    pub(super) fn set_executing(&mut self, executing: bool) {
        self.executing = executing;
    }

    pub(in crate::redis) fn unwatch(&mut self) {
        self.watched.clear();
    }
}

/// The reply to an EXEC that is itself refused.
pub(in crate::redis) fn aborted(refusal: &str) -> Reply {
    let reason = refusal.strip_prefix("ERR ").unwrap_or(refusal);
    Reply::error(format!("EXECABORT Transaction discarded because of: {reason}"))
}
