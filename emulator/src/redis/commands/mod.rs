//! The commands: one table, and one file for each kind.

mod cluster;
mod command;
pub(super) mod connection;
mod expiry;
mod hashes;
mod keys;
pub(super) mod lists;
mod pubsub;
mod server;
mod sets;
mod strings;
mod table;
mod transactions;

pub(super) use command::{Command, Found, Outcome};
pub(super) use table::COMMANDS;

use super::reply::Reply;
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::LazyLock;

const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";
const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
const SYNTAX: &str = "ERR syntax error";

/// Places in the table, by name in capitals.
static PLACES: LazyLock<HashMap<&'static [u8], usize>> = LazyLock::new(|| {
    COMMANDS.iter().enumerate().map(|(index, command)| (command.name.as_bytes(), index)).collect()
});

/// Longer than every name; a name is put into capitals without an allocation.
const LONGEST_NAME: usize = 24;

/// The command that a request names, or the error for one that it does not name properly.
pub(super) fn find(words: &[Bytes]) -> Result<Found, Reply> {
    let given = words.first().map(AsRef::as_ref).unwrap_or_default();
    let mut capitals = [0; LONGEST_NAME];
    let name = capitals.get_mut(..given.len()).map(|name| {
        name.copy_from_slice(given);
        name.make_ascii_uppercase();
        &*name
    });
    let place = name.and_then(|name| PLACES.get(name).copied());
    let Some((index, command)) = place.and_then(|index| Some((index, COMMANDS.get(index)?))) else {
        return Err(unknown(words));
    };
    let expected = usize::from(command.arity.unsigned_abs());
    let fits = if command.arity < 0 { words.len() >= expected } else { words.len() == expected };
    if !fits {
        return Err(wrong_arity(&command.name.to_ascii_lowercase()));
    }
    let second = word(words, 1);
    let subcommand =
        command.subcommands.iter().position(|(name, _)| name.as_bytes().eq_ignore_ascii_case(second));
    Ok(Found { command, index, subcommand })
}

/// A command that does not exist, or is not to be had.
pub(super) fn unknown(words: &[Bytes]) -> Reply {
    let mut arguments = String::new();
    for word in words.iter().skip(1) {
        let Some(room) = MOST_SHOWN.checked_sub(arguments.len()).filter(|room| *room > 0) else { break };
        arguments += &format!("'{:.room$}' ", shown(word));
    }
    let name = words.first().map(shown).unwrap_or_default();
    Reply::error(one_line(&format!(
        "ERR unknown command '{name:.MOST_SHOWN$}', with args beginning with: {arguments}"
    )))
}

/// What a RESP2 connection hears that is subscribed and asks for something else.
pub(super) fn only_for_subscribers(name: &str) -> Reply {
    Reply::error(format!(
        "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this \
         context"
    ))
}

fn wrong_arity(name: &str) -> Reply {
    Reply::error(format!("ERR wrong number of arguments for '{name}' command"))
}

fn unknown_subcommand(words: &[Bytes]) -> Reply {
    if let Ok(found) = find(words)
        && found.subcommand.is_some()
    {
        return wrong_arity(&found.full_name()); // it exists, with another number of words
    }
    let name = text(words, 0).to_ascii_uppercase();
    let given = words.get(1).map(shown).unwrap_or_default();
    Reply::error(one_line(&format!("ERR unknown subcommand '{given:.MOST_SHOWN$}'. Try {name} HELP.")))
}

/// So much of a name, and of its arguments, is in an error.
const MOST_SHOWN: usize = 128;

/// A word in an error: C's strings end at a NUL.
fn shown(word: &Bytes) -> String {
    let end = word.iter().position(|byte| *byte == 0).unwrap_or(word.len());
    String::from_utf8_lossy(word.get(..end).unwrap_or_default()).into_owned()
}

/// An error line must stay one.
fn one_line(text: &str) -> String {
    text.trim_matches(['\r', '\n']).replace(['\r', '\n'], " ")
}

/// An argument, or an empty one.
fn word(words: &[Bytes], index: usize) -> &[u8] {
    words.get(index).map(AsRef::as_ref).unwrap_or_default()
}

fn owned(words: &[Bytes], index: usize) -> Bytes {
    words.get(index).cloned().unwrap_or_default()
}

fn text(words: &[Bytes], index: usize) -> String {
    String::from_utf8_lossy(word(words, index)).into_owned()
}

fn integer(words: &[Bytes], index: usize) -> Result<i64, Reply> {
    parsed(word(words, index)).ok_or_else(|| Reply::error(NOT_AN_INTEGER))
}

/// As Redis reads numbers: only as it would write them, so that `+1`, `01`, `-0` and ` 1` are none.
fn parsed(number: &[u8]) -> Option<i64> {
    let digits = number.strip_prefix(b"-").unwrap_or(number);
    let canonical = match digits {
        [b'0'] => number.len() == 1,
        [b'1'..=b'9', ..] => true,
        _ => false,
    };
    canonical.then(|| std::str::from_utf8(number).ok()?.parse().ok()).flatten()
}

/// How many, as a reply.
fn count(number: usize) -> Reply {
    Reply::Int(number.try_into().unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_can_be_found() {
        for (index, command) in COMMANDS.iter().enumerate() {
            assert!(command.name.len() <= LONGEST_NAME);
            assert_eq!(
                PLACES.get(command.name.as_bytes()),
                Some(&index),
                "{} stands there twice",
                command.name
            );
        }
    }

    #[test]
    fn keys_are_found_where_the_table_says() {
        let keys = |request: &str| {
            let words: Vec<_> =
                request.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
            let found = find(&words).map_err(|_| "not found").expect("a command");
            found
                .command
                .keys(&words)
                .map(|key| String::from_utf8_lossy(key).into_owned())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(keys("get a"), "a");
        assert_eq!(keys("DEL a b c"), "a b c");
        assert_eq!(keys("MSET a 1 b 2"), "a b");
        assert_eq!(keys("BLPOP a b 0"), "a b");
        assert_eq!(keys("LMOVE a b LEFT RIGHT"), "a b");
        assert_eq!(keys("PING"), "");
    }
}
