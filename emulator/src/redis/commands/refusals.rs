//! The texts with which a request is refused before its command has done anything.

use super::super::reply::Reply;
use super::words::text;
use bytes::Bytes;

pub(super) const SYNTAX: &str = "ERR syntax error";

/// A command that does not exist, or is not to be had.
pub(in crate::redis) fn unknown(words: &[Bytes]) -> Reply {
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

/// The reply to a subscribed RESP2 connection that sends another command.
pub(in crate::redis) fn only_for_subscribers(name: &str) -> Reply {
    Reply::error(format!(
        "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this \
         context"
    ))
}

pub(super) fn wrong_arity(name: &str) -> Reply {
    Reply::error(format!("ERR wrong number of arguments for '{name}' command"))
}

/// A subcommand that does not exist.
pub(super) fn unknown_subcommand(words: &[Bytes]) -> Reply {
    let name = text(words, 0).to_ascii_uppercase();
    let given = words.get(1).map(shown).unwrap_or_default();
    Reply::error(one_line(&format!("ERR unknown subcommand '{given:.MOST_SHOWN$}'. Try {name} HELP.")))
}

/// How many letters of a name, and of its arguments, an error shows.
const MOST_SHOWN: usize = 128;

/// A word in an error: C's strings end at a NUL.
pub(super) fn shown(word: &Bytes) -> String {
    let end = word.iter().position(|byte| *byte == 0).unwrap_or(word.len());
    String::from_utf8_lossy(word.get(..end).unwrap_or_default()).into_owned()
}

/// An error line must stay one.
pub(super) fn one_line(text: &str) -> String {
    text.trim_matches(['\r', '\n']).replace(['\r', '\n'], " ")
}
