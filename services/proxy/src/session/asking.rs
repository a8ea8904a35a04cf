//! What the client sends, request by request.

use super::Session;
use super::fate::Fate;
use crate::commands::{Command, has_subcommands};
use crate::ended::{By, Ended};
use crate::owed::Entry;
use crate::scan::{self, Body, Head, ProtocolError, Word};
use crate::wire;
use std::borrow::Cow;
use std::time::Instant;
use zeroize::Zeroize as _;

/// Of a request whose arguments have to be known; one that is longer is passed on unread, if it may be.
pub(super) const LONGEST: usize = 64 * 1024;

/// How a client begins that has been set to TLS: a handshake's record (RFC 8446). As a line it would have no end, and the
/// client would wait for its time-out.
const TLS: [u8; 2] = [0x16, 0x03];

const SPEAKS_TLS: &str = "What connected speaks TLS, and this port does not: set the client to plain Redis (redis://), or give \
    --tls-certificate and --tls-key.";

/// A request that is being taken.
pub(super) struct Transit {
    body: Body,
    fate: Fate,
}

impl Transit {
    /// Whether the server has its beginning.
    pub(super) fn is_passed_on(&self) -> bool {
        self.fate.is_passed_on()
    }
}

/// How far a request that has to be whole has been looked through: what comes byte by byte is not to be gone over each time.
pub(super) struct Seen {
    body: Body,
    pub(super) length: usize,
}

/// What is known of a request before it is decided what becomes of it.
pub(super) struct Request<'a> {
    pub(super) command: Command,
    pub(super) name: Cow<'a, [u8]>,
    /// How many, the name included.
    pub(super) arguments: u32,
    /// All of them, of commands that need it.
    pub(super) words: Option<Vec<Cow<'a, [u8]>>>,
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        if !self.command.holds_password() {
            return;
        }
        for word in self.words.iter_mut().flatten() {
            // What is borrowed is wiped by whoever has read it.
            if let Cow::Owned(word) = word {
                word.zeroize();
            }
        }
    }
}

/// What can be made of the beginning of a request.
enum Beginning<'a> {
    /// So much is not worth an answer.
    Nothing(usize),
    Incomplete,
    /// A request, and the length of its header; of one in a line its whole length.
    Request {
        request: Request<'a>,
        length: usize,
        is_line: bool,
    },
}

impl Session {
    pub(super) fn take_requests(&mut self, input: &[u8], now: Instant) -> usize {
        let mut at = 0;
        while self.end.is_none() && !self.up.is_full() && !self.down.is_full() {
            let rest = input.get(at..).unwrap_or_default();
            match self.take_some(rest, now) {
                Ok(0) => break,
                Ok(taken) => at += taken,
                Err(error) => {
                    self.refuse_protocol(error);
                    return input.len();
                }
            }
        }
        at
    }

    /// Takes the beginning of a request, or goes on with one; 0 if that has to wait.
    fn take_some(&mut self, rest: &[u8], now: Instant) -> Result<usize, ProtocolError> {
        match self.transit.take() {
            Some(transit) => self.go_on(transit, rest),
            None => {
                self.settle();
                if rest.is_empty() || self.holds() { Ok(0) } else { self.begin(rest, now) }
            }
        }
    }

    fn begin(&mut self, rest: &[u8], now: Instant) -> Result<usize, ProtocolError> {
        if !self.is_connected() && rest.starts_with(&TLS) {
            self.fulfil(Fate::End(None, Ended::badly(By::Client, SPEAKS_TLS)));
            return Ok(rest.len());
        }
        let (request, length, is_line) = match self.read(rest)? {
            Beginning::Nothing(length) => return Ok(length),
            Beginning::Incomplete => return Ok(0),
            Beginning::Request { request, length, is_line } => (request, length, is_line),
        };
        let arguments = request.arguments;
        self.has_secret |= request.command.holds_password();
        let Some(fate) = self.decide(request, now) else { return Ok(0) };
        let header = rest.get(..length).unwrap_or_default();
        if fate.is_passed_on() {
            self.up.push(header);
        }
        match is_line {
            true => self.fulfil(fate),
            false => self.transit = Some(Transit { body: Body::new(arguments), fate }),
        }
        Ok(length)
    }

    fn go_on(&mut self, mut transit: Transit, rest: &[u8]) -> Result<usize, ProtocolError> {
        let taken = transit.body.advance(rest)?;
        if transit.fate.is_passed_on() {
            self.up.push(rest.get(..taken).unwrap_or_default());
        }
        match transit.body.is_complete() {
            true => self.fulfil(transit.fate),
            false => self.transit = Some(transit),
        }
        Ok(taken)
    }

    fn read<'a>(&mut self, rest: &'a [u8]) -> Result<Beginning<'a>, ProtocolError> {
        let seen = self.seen.take();
        match scan::head(rest)? {
            Head::Incomplete => Ok(Beginning::Incomplete),
            Head::Nothing(length) => Ok(Beginning::Nothing(length)),
            Head::Inline(length) => {
                let words = scan::words(rest.get(..length).unwrap_or_default())?;
                let Some(name) = words.first().cloned() else { return Ok(Beginning::Nothing(length)) };
                let arguments = u32::try_from(words.len()).unwrap_or(u32::MAX);
                let command = Command::of_line(&words);
                let request = Request { command, name, arguments, words: Some(words) };
                Ok(Beginning::Request { request, length, is_line: true })
            }
            Head::Array { arguments, length } => {
                let seen = seen.unwrap_or(Seen { body: Body::new(arguments), length });
                self.read_array(rest, arguments, length, seen)
            }
        }
    }

    fn read_array<'a>(
        &mut self,
        rest: &'a [u8],
        arguments: u32,
        length: usize,
        mut seen: Seen,
    ) -> Result<Beginning<'a>, ProtocolError> {
        let name = match scan::word_at(rest, length)? {
            Word::Incomplete => return Ok(Beginning::Incomplete),
            Word::Long => &b""[..],
            Word::Text(name, _) => name,
        };
        let mut command = Command::named(name);
        let wants_words = command.needs_arguments() || (self.restricts() && has_subcommands(name));
        let mut words = None;
        if wants_words {
            seen.length += seen.body.advance(rest.get(seen.length..).unwrap_or_default())?;
            if seen.body.is_complete() {
                words = Some(scan::words(rest.get(..seen.length).unwrap_or_default())?);
            } else if rest.len() < LONGEST {
                self.seen = Some(seen);
                return Ok(Beginning::Incomplete);
            } else if !matches!(command, Command::Auth | Command::Hello | Command::Unsubscribe(_)) {
                command = Command::Other;
            }
        }
        let request = Request { command, name: Cow::Borrowed(name), arguments, words };
        Ok(Beginning::Request { request, length, is_line: false })
    }

    /// A request has been taken to its end.
    fn fulfil(&mut self, fate: Fate) {
        match fate {
            Fate::Pass(entry) => self.owed.push(entry),
            Fate::Send(bytes, entry) => {
                self.up.push(&bytes);
                self.owed.push(entry);
            }
            Fate::Reset => self.send_reset(),
            Fate::Answer(Some(text)) => {
                self.owed.push(Entry::Local(text));
                self.answer_locally();
            }
            Fate::Answer(None) => {}
            Fate::End(text, ended) => {
                if let Some(text) = text {
                    self.owed.push(Entry::Local(text));
                }
                self.owed.push(Entry::End(ended));
                self.answer_locally();
            }
        }
    }

    /// What Redis says, after what it still owes.
    fn refuse_protocol(&mut self, error: ProtocolError) {
        self.transit = None;
        self.owed.push(Entry::Local(wire::error(&error.to_string()).into()));
        let why = format!("The client sent what is no request of a Redis: {error}");
        self.owed.push(Entry::End(Ended::badly(By::Client, why)));
        self.answer_locally();
    }
}
