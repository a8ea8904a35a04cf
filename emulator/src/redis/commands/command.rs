//! What is known of a command; what it does is in its row of the table.

use super::super::access::{CONNECTION, Categories, PUBSUB, READ, WRITE};
use bytes::Bytes;

/// Which arguments are keys, as `COMMAND` tells it: the first, the last (counted from the end if negative), and
/// how far one is from the next.
#[derive(Clone, Copy)]
pub(super) struct Keys(i8, i8, i8);

impl Keys {
    pub(super) const NONE: Self = Self(0, 0, 0);
    pub(super) const FIRST: Self = Self(1, 1, 1);
    pub(super) const FIRST_TWO: Self = Self(1, 2, 1);
    pub(super) const ALL: Self = Self(1, -1, 1);
    pub(super) const ALL_BUT_LAST: Self = Self(1, -2, 1);
    pub(super) const EVERY_OTHER: Self = Self(1, -1, 2);
}

/// One command, as policies, clients and COMMAND know it.
pub(in crate::redis) struct Command {
    pub(in crate::redis) name: &'static str,
    /// As Redis counts it: with the name; negative means at least.
    pub(super) arity: i8,
    pub(in crate::redis) categories: Categories,
    /// Subcommands that are in other categories than the command: names and theirs.
    pub(in crate::redis) subcommands: &'static [(&'static str, Categories)],
    pub(super) keys: Keys,
    /// It may be run before authentication.
    stranger: bool,
    /// Allowed while a RESP2 connection is subscribed.
    subscriber: bool,
}

impl Command {
    pub(super) const fn new(name: &'static str, arity: i8, categories: Categories, keys: Keys) -> Self {
        Self { name, arity, categories, subcommands: &[], keys, stranger: false, subscriber: false }
    }

    pub(super) const fn for_strangers(mut self) -> Self {
        self.stranger = true;
        self
    }

    pub(super) const fn for_subscribers(mut self) -> Self {
        self.subscriber = true;
        self
    }

    pub(super) const fn subcommands(mut self, subcommands: &'static [(&'static str, Categories)]) -> Self {
        self.subcommands = subcommands;
        self
    }

    pub(in crate::redis) fn is_for_strangers(&self) -> bool {
        self.stranger
    }

    pub(in crate::redis) fn is_for_subscribers(&self) -> bool {
        self.subscriber
    }

    /// Not counted among the commands: clients send these by themselves.
    pub(in crate::redis) fn is_about_connection(&self) -> bool {
        self.stranger || self.categories & CONNECTION != 0 && self.name != "PING" && self.name != "ECHO"
    }

    pub(in crate::redis) fn is_about_clusters(&self) -> bool {
        matches!(self.name, "CLUSTER" | "READONLY" | "READWRITE" | "ASKING")
    }

    pub(in crate::redis) fn writes(&self) -> bool {
        self.categories & WRITE != 0
    }

    pub(super) fn is_for_channels(&self) -> bool {
        self.categories & PUBSUB != 0
    }

    pub(in crate::redis) fn reads(&self) -> bool {
        self.categories & READ != 0
    }

    /// The positions of keys that `COMMAND` answers.
    pub(super) fn key_positions(&self) -> [i8; 3] {
        let Keys(first, last, step) = self.keys;
        [first, last, step]
    }

    pub(in crate::redis) fn keys<'a>(&self, words: &'a [Bytes]) -> impl Iterator<Item = &'a Bytes> {
        let Keys(first, last, step) = self.keys;
        let last = if last < 0 {
            words.len().saturating_sub(usize::from(last.unsigned_abs()))
        } else {
            usize::from(last.unsigned_abs())
        };
        let count = if first > 0 { (last + 1).saturating_sub(usize::from(first.unsigned_abs())) } else { 0 };
        words
            .iter()
            .skip(usize::from(first.unsigned_abs()))
            .take(count)
            .step_by(usize::from(step.unsigned_abs()).max(1))
    }

    /// The channels that a command names, and whether they are patterns.
    pub(in crate::redis) fn channels<'a>(
        &self,
        words: &'a [Bytes],
    ) -> impl Iterator<Item = (&'a Bytes, bool)> {
        let (count, pattern) = match self.name {
            "SUBSCRIBE" | "SSUBSCRIBE" => (usize::MAX, false),
            "PSUBSCRIBE" => (usize::MAX, true),
            "PUBLISH" | "SPUBLISH" => (1, false),
            _ => (0, false), // to leave a channel needs no permission
        };
        words.iter().skip(1).take(count).map(move |channel| (channel, pattern))
    }

    /// What decides which node has to run it: keys, or channels that belong to a slot.
    pub(in crate::redis) fn placed_by<'a>(&self, words: &'a [Bytes]) -> impl Iterator<Item = &'a Bytes> {
        let channels = match self.name {
            "SSUBSCRIBE" | "SUNSUBSCRIBE" => usize::MAX,
            "SPUBLISH" => 1,
            _ => 0,
        };
        self.keys(words).chain(words.iter().skip(1).take(channels))
    }
}

/// A command that a request names.
#[derive(Clone, Copy)]
pub(in crate::redis) struct Found {
    pub(in crate::redis) command: &'static Command,
    /// Its place in the table.
    pub(in crate::redis) index: usize,
    /// The place of the subcommand among the command's own.
    pub(in crate::redis) subcommand: Option<usize>,
}

impl Found {
    pub(in crate::redis) fn subcommand_name(&self) -> &'static str {
        self.subcommand.and_then(|index| self.command.subcommands.get(index)).map_or("", |(name, _)| name)
    }

    /// `get`, `client|list`: as errors have it.
    pub(in crate::redis) fn full_name(&self) -> String {
        let name = match self.subcommand_name() {
            "" => self.command.name.to_owned(),
            subcommand => format!("{}|{subcommand}", self.command.name),
        };
        name.to_ascii_lowercase()
    }
}
