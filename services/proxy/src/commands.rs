//! What a client may send, and which of it means more than one request and one reply.

use std::borrow::Cow;

/// A command as far as the proxy has to tell it from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// One request, one reply.
    Other,
    Asking,
    Auth,
    /// It may wait at the server for somebody else.
    Block(Clock),
    Client,
    /// What it asks may be where the nodes of a cluster are.
    Cluster,
    Discard,
    Exec,
    Hello,
    /// A browser on this machine, not a Redis client.
    Http,
    Monitor,
    Multi,
    Ping,
    Quit,
    /// What replicas send: the stream that answers it has no frames.
    Replication,
    Reset,
    Subscribe(Channels),
    Unsubscribe(Channels),
}

/// What a subscription names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channels {
    Plain,
    Pattern,
    Shard,
}

/// Where a blocking command has its time-out, and in which unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// The last argument, seconds.
    LastSeconds,
    /// The first argument, seconds.
    FirstSeconds,
    /// The last argument, milliseconds.
    LastMillis,
    /// Behind the word BLOCK, milliseconds; without the word it does not block.
    Option,
}

/// What a line of HTTP begins with (RFC 9110, RFC 5789); HTTP/2 begins with PRI. Redis has no command of such a name that takes
/// two arguments.
const METHODS: [&[u8]; 10] =
    [b"CONNECT", b"DELETE", b"GET", b"HEAD", b"OPTIONS", b"PATCH", b"POST", b"PRI", b"PUT", b"TRACE"];

/// The longest name below.
const LONGEST: usize = 12;

impl Command {
    /// The command of this name, in any case.
    #[inline]
    pub(crate) fn named(name: &[u8]) -> Self {
        let mut buffer = [0; LONGEST];
        let Some(lower) = buffer.get_mut(..name.len()) else { return Self::Other };
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        match &*lower {
            b"asking" => Self::Asking,
            b"auth" => Self::Auth,
            b"client" => Self::Client,
            b"cluster" => Self::Cluster,
            b"discard" => Self::Discard,
            b"exec" => Self::Exec,
            b"hello" => Self::Hello,
            b"host:" | b"post" => Self::Http,
            b"monitor" => Self::Monitor,
            b"multi" => Self::Multi,
            b"ping" => Self::Ping,
            b"quit" => Self::Quit,
            b"sync" | b"psync" | b"replconf" => Self::Replication,
            b"reset" => Self::Reset,
            b"subscribe" => Self::Subscribe(Channels::Plain),
            b"psubscribe" => Self::Subscribe(Channels::Pattern),
            b"ssubscribe" => Self::Subscribe(Channels::Shard),
            b"unsubscribe" => Self::Unsubscribe(Channels::Plain),
            b"punsubscribe" => Self::Unsubscribe(Channels::Pattern),
            b"sunsubscribe" => Self::Unsubscribe(Channels::Shard),
            b"blpop" | b"brpop" | b"brpoplpush" | b"blmove" | b"bzpopmin" | b"bzpopmax" => {
                Self::Block(Clock::LastSeconds)
            }
            b"blmpop" | b"bzmpop" => Self::Block(Clock::FirstSeconds),
            b"wait" | b"waitaof" => Self::Block(Clock::LastMillis),
            b"xread" | b"xreadgroup" => Self::Block(Clock::Option),
            _ => Self::Other,
        }
    }

    /// The command of a request in one line. HTTP's first line is none, though GET is a command: with these words it would be
    /// an error anyway, and the connection to the server would be made for nothing.
    pub(crate) fn of_line(words: &[Cow<'_, [u8]>]) -> Self {
        match words {
            [method, _, version] if version.starts_with(b"HTTP/") && METHODS.contains(&method.as_ref()) => {
                Self::Http
            }
            [name, ..] => Self::named(name),
            [] => Self::Other,
        }
    }

    /// Whether its arguments have to be known before its first byte may be sent on.
    #[inline]
    pub(crate) fn needs_arguments(self) -> bool {
        matches!(
            self,
            Self::Auth
                | Self::Hello
                | Self::Client
                | Self::Cluster
                | Self::Block(_)
                | Self::Unsubscribe(Channels::Shard)
        )
    }

    /// Whether a password may be among its arguments.
    pub(crate) fn holds_password(self) -> bool {
        matches!(self, Self::Auth | Self::Hello)
    }
}

/// Commands that have subcommands, whose full name Redis says: `client|id`.
pub(crate) fn has_subcommands(name: &[u8]) -> bool {
    const CONTAINERS: [&str; 15] = [
        "acl", "client", "cluster", "command", "config", "function", "latency", "memory", "module", "object",
        "pubsub", "script", "slowlog", "xgroup", "xinfo",
    ];
    CONTAINERS.iter().any(|container| name.eq_ignore_ascii_case(container.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_known_in_any_case_and_by_their_whole_name() {
        for (name, command) in [
            ("GET", Command::Other),
            ("auth", Command::Auth),
            ("AUTH", Command::Auth),
            ("aUtH", Command::Auth),
            ("AUTHX", Command::Other),
            ("", Command::Other),
            ("POST", Command::Http),
            ("Host:", Command::Http),
            ("pUnSubscribe", Command::Unsubscribe(Channels::Pattern)),
            ("punsubscribes", Command::Other),
            ("Cluster", Command::Cluster),
            ("bzmpop", Command::Block(Clock::FirstSeconds)),
        ] {
            assert_eq!(Command::named(name.as_bytes()), command, "{name}");
        }
        assert!(has_subcommands(b"CLIENT") && !has_subcommands(b"get"));
    }
}
