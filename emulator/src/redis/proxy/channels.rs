//! To what a client behind the gate is subscribed, as the server has confirmed it.

use super::replies::kind_and_name;
use bytes::Bytes;
use std::collections::BTreeSet;

/// Names of channels, patterns and channels of slots.
#[derive(Default)]
pub(super) struct Channels([BTreeSet<Bytes>; 3]);

/// A request to enter or to leave channels.
pub(super) struct Change {
    /// The word with which the request's confirmations begin.
    pub(super) kind: String,
    /// How many of these are still to come; none of them if the request was refused.
    pub(super) left: usize,
    /// The request leaves all channels of its kind, and has as many confirmations as there are when it is run.
    leaves_all: bool,
    /// What it names; nothing if it leaves all.
    names: Vec<Bytes>,
}

impl Change {
    /// Whether this confirms a part of it.
    pub(super) fn has_confirmation(&self, kind: &[u8], name: &[u8]) -> bool {
        self.kind.as_bytes() == kind && (self.names.is_empty() || self.names.iter().any(|own| own == name))
    }

    /// The request is being run: how many confirmations it has is settled.
    pub(super) fn leaves_the_rest(&mut self) {
        self.leaves_all = false;
    }
}

impl Channels {
    pub(super) fn any(&self) -> bool {
        self.0.iter().any(|names| !names.is_empty())
    }

    fn set(&mut self, kind: &[u8]) -> &mut BTreeSet<Bytes> {
        let [channels, patterns, shard_channels] = &mut self.0;
        match kind.first() {
            Some(b'p') => patterns,
            // "subscribe" begins with the same letter as "ssubscribe".
            Some(b's') if kind.starts_with(b"ss") || kind.starts_with(b"sun") => shard_channels,
            _ => channels,
        }
    }

    /// What a request asks for, if it is about channels. One that leaves all of them has a confirmation for each,
    /// and one even if there are none.
    pub(super) fn change(&mut self, request: &[Bytes]) -> Option<Change> {
        let kind = String::from_utf8_lossy(request.first()?).to_ascii_lowercase();
        if !super::replies::is_confirmation(kind.as_bytes()) {
            return None;
        }
        let names = request.get(1..).unwrap_or_default().to_vec();
        let mut change = Change { kind, left: names.len(), leaves_all: names.is_empty(), names };
        self.settle(&mut change);
        Some(change)
    }

    /// The request is run now, and not when it came: a transaction may have changed meanwhile what there is to leave.
    pub(super) fn settle(&mut self, change: &mut Change) {
        if change.leaves_all {
            change.left = self.set(change.kind.as_bytes()).len().max(1);
        }
    }

    /// One of the replies to a request has come. Whether it was the last: a confirmation may have others after it, a
    /// refusal has none.
    pub(super) fn answered(&mut self, change: &mut Change, reply: &[u8]) -> bool {
        if kind_and_name(reply).0 != change.kind.as_bytes() {
            return true;
        }
        self.noted(reply);
        change.left = change.left.saturating_sub(1);
        change.left == 0
    }

    /// What has come may say that a channel was entered or left, asked or unasked.
    pub(super) fn noted(&mut self, reply: &[u8]) {
        let (kind, name) = kind_and_name(reply);
        if super::replies::is_confirmation(kind) {
            let leaves = kind.windows(2).any(|pair| pair == b"un");
            let names = self.set(kind);
            match leaves {
                true => drop(names.take(name)),
                false => drop(names.insert(Bytes::copy_from_slice(name))),
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
mod tests {
    use super::*;

    #[test]
    fn channels_are_entered_and_left_as_the_server_says() {
        let mut channels = Channels::default();
        let confirm = |channels: &mut Channels, kind: &str, name: &str| {
            channels.noted(
                format!("*3\r\n${}\r\n{kind}\r\n${}\r\n{name}\r\n:1\r\n", kind.len(), name.len()).as_bytes(),
            );
        };
        let request = |words: &[&str]| {
            words.iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect::<Vec<_>>()
        };
        assert_eq!(channels.change(&request(&["SUBSCRIBE", "a", "b"])).unwrap().left, 2);
        assert!(!channels.any(), "nothing was confirmed");
        confirm(&mut channels, "subscribe", "a");
        confirm(&mut channels, "subscribe", "b");
        confirm(&mut channels, "psubscribe", "a*");
        confirm(&mut channels, "ssubscribe", "s");
        assert_eq!(channels.change(&request(&["unsubscribe"])).unwrap().left, 2);
        assert_eq!(channels.change(&request(&["punsubscribe"])).unwrap().left, 1);
        for (kind, name) in
            [("unsubscribe", "a"), ("unsubscribe", "b"), ("punsubscribe", "a*"), ("sunsubscribe", "s")]
        {
            assert!(channels.any());
            confirm(&mut channels, kind, name);
        }
        assert!(!channels.any());
        assert_eq!(channels.change(&request(&["UNSUBSCRIBE"])).unwrap().left, 1);
        assert!(channels.change(&request(&["GET", "a"])).is_none());
    }
}
