//! MULTI, EXEC, DISCARD, WATCH. <https://redis.io/docs/latest/develop/using-commands/transactions/>

use super::Connection;
use crate::redis::commands::{Found, Outcome};
use crate::redis::reply::Reply;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What waits for EXEC, and on what it depends.
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

    pub(in crate::redis) fn unwatch(&mut self) {
        self.watched.clear();
    }
}

/// What EXEC hears that is refused itself.
pub(in crate::redis) fn aborted(refusal: &str) -> Reply {
    let reason = refusal.strip_prefix("ERR ").unwrap_or(refusal);
    Reply::error(format!("EXECABORT Transaction discarded because of: {reason}"))
}

impl Connection {
    pub(in crate::redis) fn watch(&mut self, keys: &[Bytes]) {
        let mut data = self.node.store.lock();
        for key in keys {
            if !self.transaction.watched.iter().any(|(watched, ..)| watched == key) {
                let changes = data.watch(key);
                let before = changes.load(Ordering::Relaxed);
                self.transaction.watched.push((key.clone(), changes, before));
            }
        }
    }

    /// An EXEC that was refused ends the transaction too.
    pub(super) fn abort(&mut self, refusal: Reply) -> Reply {
        self.transaction.discard();
        self.show_transaction();
        match refusal {
            Reply::Error(text) => aborted(&text),
            other => other,
        }
    }

    /// Runs what was queued, unless a watched key has changed or something could not be queued.
    pub(in crate::redis) fn execute(&mut self) -> Reply {
        if !self.transaction.is_open() {
            return Reply::error("ERR EXEC without MULTI"); // what is watched stays watched
        }
        let transaction = std::mem::take(&mut self.transaction);
        let queue = transaction.queue.unwrap_or_default();
        if transaction.spoiled {
            return Reply::error("EXECABORT Transaction discarded because of previous errors.");
        }
        if transaction.watched.iter().any(|(_, changes, before)| changes.load(Ordering::Relaxed) != *before) {
            return Reply::NullArray;
        }
        self.transaction.executing = true;
        let replies = queue.into_iter().map(|(words, found)| match self.permit(&found, &words) {
            Err(refusal) => refusal, // the policy, or who it is for, is another one since it was queued
            Ok(()) => match self.run(found, &words) {
                Outcome::Reply(reply) => reply,
                Outcome::Wait(_) => Reply::NullArray, // nothing waits inside a transaction
            },
        });
        let replies = replies.collect();
        self.transaction.executing = false;
        Reply::Array(replies)
    }
}
