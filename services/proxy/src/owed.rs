//! Whose each reply is: what is owed, in the order in which the server will answer.

use crate::cluster::View;
use crate::commands::Channels;
use crate::credentials::Credentials;
use crate::ended::Ended;
use crate::transaction::Change;
use std::borrow::Cow;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// With so many entries nothing more is taken from the client.
const FULL: usize = 4096;

/// So many it has room for when it is empty.
const KEPT: usize = 32;

/// RESP 2 or 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Two,
    Three,
}

/// What comes next.
#[derive(Debug)]
pub(crate) enum Entry {
    /// So many replies that go to the client as they are; to nobody, if `silent`.
    Replies { count: u32, silent: bool },
    /// One reply that says something of the connection's state.
    Reply { meaning: Meaning, silent: bool },
    /// One for each channel, or one error.
    Confirmations(Confirmations),
    /// What the proxy answers itself.
    Local(Cow<'static, [u8]>),
    /// The answer to something that the client has not asked.
    Ours(Ours),
    /// The end.
    End(Ended),
}

/// What a reply tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Of a command that may wait at the server; `is_kept`, to be sent again.
    Block {
        is_kept: bool,
    },
    /// Of a question where the nodes of a cluster are.
    Cluster(View),
    /// Of the DISCARD that was sent instead of an EXEC.
    ExecAborted,
    Hello(Protocol),
    Monitor,
    /// Of a MULTI, EXEC or DISCARD.
    Transaction(Change),
    /// Of a PING while a RESP2 client is subscribed.
    Ping,
    Reset,
}

/// What confirms that channels were entered or left.
#[derive(Debug)]
pub(crate) struct Confirmations {
    pub(crate) channels: Channels,
    pub(crate) enters: bool,
    /// Which those are, of shards: a server that gives a slot away sends the same unasked, for other channels. None: any.
    pub(crate) names: Option<HashSet<Vec<u8>>>,
    /// How many are to come; none if it is as many as there are subscriptions, and at least one.
    pub(crate) left: Option<u32>,
    /// Whether an error goes to nobody.
    pub(crate) silent: bool,
    /// Whether nothing of it goes to the client.
    pub(crate) is_hidden: bool,
}

impl Confirmations {
    /// Whether this confirms one of them.
    pub(crate) fn include(&self, channels: Channels, enters: bool, name: &[u8]) -> bool {
        let is_named = |names: &HashSet<Vec<u8>>| names.contains(name);
        (self.channels, self.enters) == (channels, enters) && self.names.as_ref().is_none_or(is_named)
    }
}

/// A question of the proxy's own.
#[derive(Debug)]
pub(crate) enum Ours {
    /// An AUTH and what marks its end.
    Auth(Auth),
    /// `CLIENT ID`
    ClientId,
    /// Whatever it says.
    Ignored,
    /// `HELLO 2`
    ToTwo,
    /// `HELLO 3`
    ToThree,
}

/// An AUTH under way.
#[derive(Debug)]
pub(crate) struct Auth {
    pub(crate) credentials: Arc<Credentials>,
    /// What the marker says, so that its answer is known.
    pub(crate) nonce: String,
    /// What AUTH was answered, once that is known.
    pub(crate) verdict: Option<Result<(), String>>,
    /// Without it the connection has no user.
    pub(crate) is_needed: bool,
}

/// The queue.
#[derive(Debug, Default)]
pub(crate) struct Owed {
    queue: VecDeque<Entry>,
    /// How many of them nothing may follow.
    barriers: u32,
    /// How many answers to HELLO.
    hellos: u32,
    /// How many answers of commands that may wait.
    blocks: u32,
}

impl Entry {
    /// Whether the client's next request has to wait until it is answered.
    fn is_barrier(&self) -> bool {
        match self {
            Self::End(_) => true,
            Self::Ours(Ours::Auth(auth)) => auth.is_needed,
            _ => false,
        }
    }

    fn is_hello(&self) -> bool {
        matches!(self, Self::Reply { meaning: Meaning::Hello(_), .. })
    }

    fn is_block(&self) -> bool {
        matches!(self, Self::Reply { meaning: Meaning::Block { .. }, .. })
    }
}

impl Owed {
    #[inline]
    pub(crate) fn push(&mut self, entry: Entry) {
        if let Entry::Replies { count, silent } = &entry
            && let Some(Entry::Replies { count: before, silent: same }) = self.queue.back_mut()
            && silent == same
            && let Some(sum) = before.checked_add(*count)
        {
            *before = sum;
        } else {
            self.barriers += u32::from(entry.is_barrier());
            self.hellos += u32::from(entry.is_hello());
            self.blocks += u32::from(entry.is_block());
            self.queue.push_back(entry);
        }
    }

    #[inline]
    pub(crate) fn head(&mut self) -> Option<&mut Entry> {
        self.queue.front_mut()
    }

    pub(crate) fn pop(&mut self) -> Option<Entry> {
        let entry = self.queue.pop_front();
        self.barriers -= u32::from(entry.as_ref().is_some_and(Entry::is_barrier));
        self.hellos -= u32::from(entry.as_ref().is_some_and(Entry::is_hello));
        self.blocks -= u32::from(entry.as_ref().is_some_and(Entry::is_block));
        if self.queue.is_empty() && self.queue.capacity() > KEPT {
            self.queue = VecDeque::new(); // of thousands of idle connections none needs that much
        }
        entry
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.queue.len() >= FULL
    }

    /// Whether the client's next request has to wait for something.
    #[inline]
    pub(crate) fn has_barrier(&self) -> bool {
        self.barriers > 0
    }

    /// Whether it is not known yet which protocol the client speaks.
    #[inline]
    pub(crate) fn has_hello(&self) -> bool {
        self.hellos > 0
    }

    /// Whether a command that may wait at the server has not been answered.
    #[inline]
    pub(crate) fn has_block(&self) -> bool {
        self.blocks > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipeline_of_plain_commands_is_one_entry() {
        let mut owed = Owed::default();
        for silent in [false, false, true, false] {
            owed.push(Entry::Replies { count: 1, silent });
        }
        assert!(matches!(owed.pop(), Some(Entry::Replies { count: 2, silent: false })));
        assert!(matches!(owed.pop(), Some(Entry::Replies { count: 1, silent: true })));
        assert!(!owed.is_empty() && owed.pop().is_some() && owed.is_empty());
    }
}
