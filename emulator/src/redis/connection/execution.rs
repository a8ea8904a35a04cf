//! What a transaction does with its connection. <https://redis.io/docs/latest/develop/using-commands/transactions/>

use super::Connection;
use super::transaction::aborted;
use crate::redis::commands::Outcome;
use crate::redis::reply::Reply;
use bytes::Bytes;

impl Connection {
    pub(in crate::redis) fn watch(&mut self, keys: &[Bytes]) {
        let mut data = self.node.store.lock();
        for key in keys {
            self.transaction.watch(key, || data.watch(key));
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
        let queue = match self.transaction.close() {
            Ok(queue) => queue,
            Err(reply) => return reply,
        };
        self.transaction.set_executing(true);
        let replies = queue.into_iter().map(|(words, found)| match self.permit(&found, &words) {
            Err(refusal) => refusal, // the policy or the user has changed since the command was queued
            Ok(()) => match self.run(found, &words) {
                Outcome::Reply(reply) => reply,
                Outcome::Wait(_) => Reply::NullArray, // nothing waits inside a transaction
            },
        });
        let replies = replies.collect();
        self.transaction.set_executing(false);
        Reply::Array(replies)
    }
}
