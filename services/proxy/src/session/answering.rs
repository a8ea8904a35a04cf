//! What the server sends, reply by reply.

use super::Session;
use super::asking::Transit;
use super::pushes::Push;
use crate::cluster::View;
use crate::ended::{By, Ended};
use crate::owed::{Entry, Meaning, Ours};
use crate::scan::{Frame, Malformed};
use crate::wire;
use memchr::memchr;
use std::time::Instant;

/// Of an answer to a question of ours, of an error, and of what tells pushes apart.
const LONGEST: usize = 64 * 1024;

/// Where a reply goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Route {
    Client,
    Nobody,
    /// It is gathered, and told with local ports.
    Rewritten(View),
    /// Piece by piece.
    Push(Push),
}

const ABORTED: &[u8] = b"-EXECABORT Transaction discarded because of previous errors.\r\n";
const EMPTY_PONG: &[u8] = b"*2\r\n$4\r\npong\r\n$0\r\n\r\n";
const PONG: &[u8] = b"*2\r\n$4\r\npong\r\n";

impl Session {
    pub(super) fn take_replies(&mut self, input: &[u8], now: Instant) -> Result<usize, Malformed> {
        let mut at = 0;
        while self.end.is_none() && !self.down.is_full() {
            let rest = input.get(at..).unwrap_or_default();
            let taken = match rest.first() {
                None => break,
                Some(first) if self.frame.is_complete() => self.begin_reply(*first, rest, now)?,
                Some(_) => self.carry(rest)?,
            };
            if taken == 0 {
                break; // the beginning of a header, or of an answer that has to be whole
            }
            at += taken;
        }
        Ok(at)
    }

    /// Takes of a reply that has begun what there is.
    pub(super) fn carry(&mut self, rest: &[u8]) -> Result<usize, Malformed> {
        let taken = match self.route {
            Route::Push(push) => return self.carry_push(push, rest),
            Route::Rewritten(view) => self.gather(view, rest)?,
            Route::Client => {
                let taken = self.frame.advance(rest)?;
                self.down.push(rest.get(..taken).unwrap_or_default());
                taken
            }
            Route::Nobody => self.frame.advance(rest)?,
        };
        if self.frame.is_complete() && taken > 0 {
            self.answer_locally();
        }
        Ok(taken)
    }

    /// Sends the reply that begins here where it belongs. Nothing is taken, and nothing changed, before its header is
    /// whole.
    pub(super) fn route_to(&mut self, route: Route, rest: &[u8]) -> Result<usize, Malformed> {
        self.route = route;
        if let Route::Client = route
            && let Some(taken) = self.send_elsewhere(rest)
        {
            return Ok(taken);
        }
        self.carry(rest)
    }

    fn begin_reply(&mut self, first: u8, rest: &[u8], now: Instant) -> Result<usize, Malformed> {
        match first {
            b'>' => self.begin_push(rest),
            b'*' if self.gets_arrays_unasked() => self.begin_array(rest, now),
            b'+' if self.monitors => match rest.get(1) {
                None => Ok(0),
                Some(b'0'..=b'9') if self.silence.is_on() => self.route_to(Route::Nobody, rest),
                Some(b'0'..=b'9') => self.route_to(Route::Client, rest),
                Some(_) => self.begin_answer(rest, now),
            },
            b'-' if self.may_lead_elsewhere(rest) => Ok(0),
            _ => self.begin_answer(rest, now),
        }
    }

    /// A reply to what is owed next.
    pub(super) fn begin_answer(&mut self, rest: &[u8], now: Instant) -> Result<usize, Malformed> {
        if Frame::default().next(rest)?.is_none() {
            return Ok(0);
        }
        match self.owed.head() {
            Some(Entry::Replies { count, silent }) => {
                let route = if *silent { Route::Nobody } else { Route::Client };
                *count -= 1;
                if *count == 0 {
                    self.owed.pop();
                }
                self.route_to(route, rest)
            }
            Some(Entry::Reply { meaning, silent }) => {
                let (meaning, silent) = (*meaning, *silent);
                self.begin_meaning(meaning, silent, rest, now)
            }
            Some(Entry::Confirmations(_)) => self.begin_confirmation(rest),
            Some(Entry::Ours(_)) => self.take_own(rest),
            Some(Entry::Local(_) | Entry::End(_)) | None => self.take_unasked(rest),
        }
    }

    /// Nothing is owed, and it ends the connection. An error while a request is only half sent is about that request: the
    /// client hears it as it would from the server.
    fn take_unasked(&mut self, rest: &[u8]) -> Result<usize, Malformed> {
        let line = match error_line(rest)? {
            Line::Whole(line) if self.transit.as_ref().is_some_and(Transit::is_passed_on) => line,
            Line::Incomplete => return Ok(0),
            Line::Whole(_) | Line::None => {
                self.finish(Ended::badly(By::Upstream, unasked(rest)));
                return Ok(rest.len());
            }
        };
        self.down.push(line);
        let why = match shown(line) {
            Some(text) => format!("The server said \"{text}\" of a request before it was whole."),
            None => "The server refused a request before it was whole.".to_owned(),
        };
        self.finish(Ended::badly(By::Upstream, why));
        Ok(rest.len())
    }

    /// A reply that tells something of the connection's state.
    fn begin_meaning(
        &mut self,
        meaning: Meaning,
        silent: bool,
        rest: &[u8],
        now: Instant,
    ) -> Result<usize, Malformed> {
        let error = match error_line(rest)? {
            Line::Incomplete => return Ok(0),
            Line::None => None,
            Line::Whole(line) => Some(line),
        };
        self.owed.pop();
        if meaning == (Meaning::Block { is_kept: true }) {
            self.block_is_silent = silent;
            if let Some(line) = error
                && self.take_unblocked(line, now)
            {
                return Ok(line.len());
            }
            self.block = None;
        }
        let is_shown = self.learn(meaning, error, rest, silent) && !silent;
        let route = match meaning {
            _ if !is_shown => Route::Nobody,
            Meaning::Cluster(view) if error.is_none() => Route::Rewritten(view),
            _ => Route::Client,
        };
        self.route_to(route, rest)
    }

    /// Notes what a reply tells; whether the client is to see it (a part of it may have been said already).
    fn learn(&mut self, meaning: Meaning, error: Option<&[u8]>, rest: &[u8], silent: bool) -> bool {
        let said = |session: &mut Self, text: &[u8]| {
            if !silent {
                session.down.push(text);
            }
        };
        match (meaning, error) {
            (Meaning::ExecAborted, _) => {
                said(self, ABORTED);
                return false;
            }
            (Meaning::Hello(protocol), None) => self.protocol = protocol,
            (Meaning::Monitor, None) => self.monitors = true,
            (Meaning::Transaction(change), Some(line)) => {
                self.transaction.undo(change, &wire::error_text(line).unwrap_or_default());
            }
            (Meaning::Ping, None) if rest.starts_with(b"+") => {
                said(self, EMPTY_PONG);
                return false;
            }
            (Meaning::Ping, None) => said(self, PONG),
            (Meaning::Reset, None) => self.finish_reset(),
            (Meaning::Reset, Some(_)) => {
                self.play_reset();
                said(self, b"+RESET\r\n");
                return false;
            }
            (
                Meaning::Block { .. }
                | Meaning::Cluster(_)
                | Meaning::Hello(_)
                | Meaning::Monitor
                | Meaning::Ping
                | Meaning::Transaction(_),
                _,
            ) => {}
        }
        true
    }

    /// The answer to a question of the proxy's own, once it is whole.
    fn take_own(&mut self, rest: &[u8]) -> Result<usize, Malformed> {
        let mut frame = Frame::default();
        let length = frame.advance(rest)?;
        if !frame.is_complete() {
            return if rest.len() < LONGEST { Ok(0) } else { Err(Malformed) };
        }
        let reply = rest.get(..length).unwrap_or_default();
        if matches!(self.owed.head(), Some(Entry::Ours(Ours::Auth(_)))) {
            if !self.take_auth_answer(reply) {
                let why = "The server answered AUTH with what is no answer to it, so nobody knows whose the next reply is.";
                self.finish(Ended::badly(By::Proxy, why));
                return Ok(rest.len());
            }
        } else {
            self.take_own_answer(reply);
        }
        self.answer_locally();
        Ok(length)
    }

    /// Says what the proxy answers itself, as far as it is its turn.
    pub(super) fn answer_locally(&mut self) {
        while self.frame.is_complete()
            && let Some(Entry::Local(_) | Entry::End(_)) = self.owed.head()
        {
            match self.owed.pop() {
                Some(Entry::Local(text)) => self.down.push(&text),
                Some(Entry::End(ended)) => self.finish(ended),
                _ => {}
            }
        }
    }
}

/// What begins with an error.
enum Line<'a> {
    /// No error.
    None,
    Incomplete,
    /// An error, its end included.
    Whole(&'a [u8]),
}

fn error_line(rest: &[u8]) -> Result<Line<'_>, Malformed> {
    if rest.first() != Some(&b'-') {
        return Ok(Line::None);
    }
    match memchr(b'\n', rest) {
        Some(end) => Ok(Line::Whole(rest.get(..=end).unwrap_or_default())),
        None if rest.len() < LONGEST => Ok(Line::Incomplete),
        None => Err(Malformed),
    }
}

/// A server that refuses a connection says so unasked.
fn unasked(rest: &[u8]) -> String {
    match shown(rest) {
        Some(text) => format!("The server said \"{text}\" without being asked."),
        None => "The server sent a reply that nobody had asked for.".to_owned(),
    }
}

/// An error for the log. What it quotes is not repeated: that could be a token.
fn shown(rest: &[u8]) -> Option<String> {
    let line = rest.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let text = wire::error_text(line)?;
    let unquoted = text.split(['\'', '"', '`']).next().unwrap_or_default();
    let shown: String = unquoted.chars().filter(|c| !c.is_control()).take(200).collect();
    Some(shown.trim_end().to_owned())
}
