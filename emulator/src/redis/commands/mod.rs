//! The commands: one table, and one file for each kind.

pub(super) mod connection;
mod hashes;
mod keys;
mod pubsub;
mod server;
mod strings;

use super::connection::Connection;
use super::reply::Reply;
use bytes::Bytes;

pub(super) const NO_AUTH: &str = "NOAUTH Authentication required.";
const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";
const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
const SYNTAX: &str = "ERR syntax error";

/// Who may run a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// Anybody, also before authentication.
    Open,
    /// Who is authenticated; about the connection, not about data.
    Connection,
    Read,
    Write,
}

/// One command.
pub(super) struct Command {
    pub(super) name: &'static str,
    /// As Redis counts it: with the name; negative means at least.
    arity: isize,
    pub(super) gate: Gate,
    /// Allowed while a RESP2 connection is subscribed.
    pub(super) while_subscribed: bool,
    pub(super) run: fn(&mut Connection, &[Bytes]) -> Reply,
}

type Run = fn(&mut Connection, &[Bytes]) -> Reply;

const fn command(name: &'static str, arity: isize, gate: Gate, run: Run) -> Command {
    Command { name, arity, gate, while_subscribed: false, run }
}

const fn subscriber(name: &'static str, arity: isize, gate: Gate, run: Run) -> Command {
    Command { name, arity, gate, while_subscribed: true, run }
}

use Gate::{Connection as About, Open, Read, Write};

static COMMANDS: &[Command] = &[
    // AUTH and HELLO wait for the token check: `Connection::answer` calls their own functions.
    command("AUTH", -2, Open, connection::checked_elsewhere),
    command("HELLO", -1, Open, connection::checked_elsewhere),
    subscriber("QUIT", -1, Open, connection::quit),
    subscriber("RESET", 1, Open, connection::reset),
    command("CLIENT", -2, About, connection::client),
    command("SELECT", 2, About, connection::select),
    subscriber("PING", -1, Read, connection::ping),
    command("ECHO", 2, Read, connection::echo),
    command("GET", 2, Read, strings::get),
    command("MGET", -2, Read, strings::mget),
    command("SET", -3, Write, strings::set),
    command("INCR", 2, Write, strings::incr),
    command("DECR", 2, Write, strings::decr),
    command("INCRBY", 3, Write, strings::incrby),
    command("DEL", -2, Write, keys::del),
    command("EXISTS", -2, Read, keys::exists),
    command("EXPIRE", 3, Write, keys::expire),
    command("TTL", 2, Read, keys::ttl),
    command("KEYS", 2, Read, keys::keys),
    command("DBSIZE", 1, Read, keys::dbsize),
    command("FLUSHDB", -1, Write, keys::flush),
    command("FLUSHALL", -1, Write, keys::flush),
    command("HSET", -4, Write, hashes::hset),
    command("HGET", 3, Read, hashes::hget),
    command("HGETALL", 2, Read, hashes::hgetall),
    command("HDEL", -3, Write, hashes::hdel),
    subscriber("SUBSCRIBE", -2, Read, pubsub::subscribe),
    subscriber("UNSUBSCRIBE", -1, Read, pubsub::unsubscribe),
    subscriber("PSUBSCRIBE", -2, Read, pubsub::psubscribe),
    subscriber("PUNSUBSCRIBE", -1, Read, pubsub::punsubscribe),
    command("PUBLISH", 3, Write, pubsub::publish),
    command("INFO", -1, Read, server::info),
    command("COMMAND", -1, Read, server::command),
];

/// The command that a request names, or the error for one that it does not name properly.
pub(super) fn find(words: &[Bytes]) -> Result<&'static Command, Reply> {
    let given = words.first().map(|word| String::from_utf8_lossy(word)).unwrap_or_default();
    let Some(command) = COMMANDS.iter().find(|command| command.name.eq_ignore_ascii_case(&given)) else {
        let shown = |word: &Bytes| format!("'{:.128}' ", String::from_utf8_lossy(word));
        let arguments: String = words.iter().skip(1).take(20).map(shown).collect();
        return Err(Reply::error(one_line(&format!(
            "ERR unknown command '{given:.128}', with args beginning with: {arguments}"
        ))));
    };
    let fits = match command.arity {
        exact @ 0.. => words.len() == exact.unsigned_abs(),
        least => words.len() >= least.unsigned_abs(),
    };
    if fits { Ok(command) } else { Err(wrong_arity(&command.name.to_ascii_lowercase())) }
}

fn wrong_arity(name: &str) -> Reply {
    Reply::error(format!("ERR wrong number of arguments for '{name}' command"))
}

/// An error line must stay one.
fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
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
    std::str::from_utf8(word(words, index))
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Reply::error(NOT_AN_INTEGER))
}
