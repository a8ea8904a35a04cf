//! Commands that wait for an element of a list.

use super::reply::Reply;
use super::store::lists::{self, Side};
use super::store::{Data, Store};
use bytes::Bytes;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
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

    fn attempt(&self, data: &mut Data) -> Option<Reply> {
        self.blocked.attempt(data).or_else(|| self.given_up.then(|| self.blocked.timeout_reply()))
    }
}

/// How CLIENT UNBLOCK ends a command that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unblock {
    /// As if its time were over.
    Timeout,
    Error,
}

/// Whether a client waits, as other connections see it.
#[derive(Default)]
pub(super) struct Wait {
    state: Mutex<State>,
    /// Told when somebody ends it.
    pub(super) ended: Notify,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    Waiting,
    Ended(Unblock),
}

const UNBLOCKED: &str = "UNBLOCKED client unblocked via CLIENT UNBLOCK";

impl Wait {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self) {
        *self.state() = State::Waiting;
    }

    pub(super) fn is_under_way(&self) -> bool {
        *self.state() == State::Waiting
    }

    /// Ends it. False if there is nothing to end.
    pub(super) fn end(&self, how: Unblock) -> bool {
        let mut state = self.state();
        let waits = *state == State::Waiting;
        if waits {
            *state = State::Ended(how);
            self.ended.notify_one();
        }
        waits
    }

    /// The reply, once there is one. Whoever has ended it was told so: then it takes no element any more.
    pub(super) fn attempt(&self, waiting: &Waiting, store: &Store) -> Option<Reply> {
        let mut state = self.state();
        let reply = match *state {
            State::Ended(Unblock::Error) => Some(Reply::error(UNBLOCKED)),
            State::Ended(Unblock::Timeout) => Some(waiting.blocked.timeout_reply()),
            State::Idle | State::Waiting => waiting.attempt(&mut store.lock()),
        };
        if reply.is_some() {
            *state = State::Idle;
        }
        reply
    }
}
