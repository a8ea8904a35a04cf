//! Commands that wait for an element of a list.

use super::reply::Reply;
use super::store::Data;
use super::store::lists::{self, Side};
use bytes::Bytes;
use std::time::Duration;
use tokio::time::Instant;

/// A command that takes an element of a list as soon as there is one.
pub(super) enum Blocked {
    /// BLPOP, BRPOP: from the first of the keys that has one.
    Pop { keys: Vec<Bytes>, from: Side, timeout: Duration },
    /// BLMOVE, BRPOPLPUSH.
    Move { source: Bytes, target: Bytes, from: Side, to: Side, timeout: Duration },
}

impl Blocked {
    /// The reply, if it need not wait.
    pub(super) fn attempt(&self, data: &mut Data) -> Option<Reply> {
        match self {
            Self::Pop { keys, from, .. } => lists::pop_first(data, keys, *from),
            Self::Move { source, target, from, to, .. } => {
                match lists::move_one(data, source, target, *from, *to) {
                    Reply::Null => None,
                    reply => Some(reply),
                }
            }
        }
    }

    fn timeout(&self) -> Duration {
        match self {
            Self::Pop { timeout, .. } | Self::Move { timeout, .. } => *timeout,
        }
    }

    /// The reply when there was no element in time.
    pub(super) fn timeout_reply(&self) -> Reply {
        match self {
            Self::Pop { .. } => Reply::NullArray,
            Self::Move { .. } => Reply::Null,
        }
    }
}

/// A command that waits.
pub(super) struct Waiting {
    blocked: Blocked,
    /// Without one the command waits for ever.
    deadline: Option<Instant>,
    given_up: bool,
}

impl Waiting {
    pub(super) fn new(blocked: Blocked) -> Self {
        let timeout = Some(blocked.timeout()).filter(|timeout| !timeout.is_zero());
        Self {
            deadline: timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
            blocked,
            given_up: false,
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Whether others may wait for what it takes.
    pub(super) fn moves(&self) -> bool {
        matches!(self.blocked, Blocked::Move { .. })
    }

    pub(super) fn give_up(&mut self) {
        self.given_up = true;
    }

    /// The reply, once there is one.
    pub(super) fn attempt(&self, data: &mut Data) -> Option<Reply> {
        self.blocked.attempt(data).or_else(|| self.given_up.then(|| self.blocked.timeout_reply()))
    }
}
