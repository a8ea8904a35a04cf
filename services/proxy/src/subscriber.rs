//! A RESP2 client that subscribes. Its server connection speaks RESP3 meanwhile, where AUTH is allowed, and what comes
//! is translated: a push is an array, a null is RESP2's.

use crate::commands::Channels;
use crate::owed::Protocol;

/// What the server connection of a RESP2 client speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// RESP2, as the client; nothing is subscribed, or the client speaks RESP3 itself.
    #[default]
    Direct,
    /// `HELLO 3` is under way.
    Entering,
    /// RESP3, which is translated.
    Translating,
    /// `HELLO 2` is under way.
    Leaving,
    /// RESP2 although something is subscribed: this server has no RESP3. It takes no AUTH.
    Stuck,
}

/// What a connection is subscribed to, as confirmed.
#[derive(Debug, Default)]
pub(crate) struct Subscriber {
    pub(crate) phase: Phase,
    channels: u64,
    patterns: u64,
    shards: u64,
    /// Subscribing and unsubscribing requests that are not answered yet.
    pub(crate) under_way: u32,
}

impl Subscriber {
    /// How many subscriptions of this kind there are.
    pub(crate) fn count(&self, channels: Channels) -> u64 {
        match channels {
            Channels::Plain => self.channels,
            Channels::Pattern => self.patterns,
            Channels::Shard => self.shards,
        }
    }

    pub(crate) fn is_subscribed(&self) -> bool {
        // The numbers are the server's: their sum may be none.
        [self.channels, self.patterns, self.shards].iter().any(|count| *count > 0)
    }

    /// A confirmation says how many there are: channels and patterns together, or shard channels.
    pub(crate) fn confirm(&mut self, channels: Channels, count: u64) {
        match channels {
            Channels::Plain => self.channels = count.saturating_sub(self.patterns),
            Channels::Pattern => self.patterns = count.saturating_sub(self.channels),
            Channels::Shard => self.shards = count,
        }
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Whether nothing of the client's may be sent on before what is under way is answered.
    pub(crate) fn holds(&self, client: Protocol) -> bool {
        client == Protocol::Two
            && (matches!(self.phase, Phase::Entering | Phase::Leaving)
                || (matches!(self.phase, Phase::Translating | Phase::Stuck) && self.under_way > 0))
    }

    /// Whether the server takes an AUTH now.
    pub(crate) fn takes_auth(&self) -> bool {
        !matches!(self.phase, Phase::Entering | Phase::Leaving | Phase::Stuck)
    }
}

/// What comes with the first word of a push, or of an array that a subscribed RESP2 connection gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Message,
    Confirmation { channels: Channels, enters: bool },
    Invalidate,
    RedirectionBroken,
    Other,
}

impl Kind {
    pub(crate) fn named(word: &[u8]) -> Self {
        let confirmation = |channels, enters| Self::Confirmation { channels, enters };
        match word {
            b"message" | b"pmessage" | b"smessage" => Self::Message,
            b"subscribe" => confirmation(Channels::Plain, true),
            b"psubscribe" => confirmation(Channels::Pattern, true),
            b"ssubscribe" => confirmation(Channels::Shard, true),
            b"unsubscribe" => confirmation(Channels::Plain, false),
            b"punsubscribe" => confirmation(Channels::Pattern, false),
            b"sunsubscribe" => confirmation(Channels::Shard, false),
            b"invalidate" => Self::Invalidate,
            b"tracking-redir-broken" => Self::RedirectionBroken,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confirmations_say_what_is_subscribed() {
        let mut subscriber = Subscriber::default();
        for (channels, count, expected) in [
            (Channels::Plain, 1, [1, 0, 0]),
            (Channels::Plain, 1, [1, 0, 0]), // once more the same
            (Channels::Pattern, 2, [1, 1, 0]),
            (Channels::Plain, 3, [2, 1, 0]),
            (Channels::Shard, 1, [2, 1, 1]),
            (Channels::Plain, 2, [1, 1, 1]),
            (Channels::Plain, 1, [0, 1, 1]),
            (Channels::Pattern, 0, [0, 0, 1]),
        ] {
            subscriber.confirm(channels, count);
            let counts =
                [Channels::Plain, Channels::Pattern, Channels::Shard].map(|kind| subscriber.count(kind));
            assert_eq!(counts, expected);
        }
        subscriber.confirm(Channels::Shard, 0);
        assert!(!subscriber.is_subscribed());
    }
}
