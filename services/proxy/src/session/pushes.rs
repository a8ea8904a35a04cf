//! What the server sends unasked, and what confirms subscriptions: RESP3's pushes, and RESP2's arrays that mean the same.

use super::Session;
use super::answering::Route;
use crate::commands::Channels;
use crate::owed::{Confirmations, Entry, Protocol};
use crate::scan::{Frame, Malformed, number};
use crate::subscriber::{Kind, Phase};
use std::time::Instant;

/// Of a word that tells the kinds apart, with the headers before it.
const LONGEST_HEAD: usize = 96;
/// Of what comes up to the end of a channel's name.
const LONGEST_NAME: usize = 64 * 1024;

/// A push that is coming in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Push {
    /// For a client that speaks RESP2.
    translates: bool,
    is_hidden: bool,
    /// Of which channels it confirms something, and whether it was asked for.
    confirms: Option<(Channels, bool)>,
    /// The last integer in it, and whether it is still coming.
    number: u64,
    in_number: bool,
}

/// Before a client's invalidated keys, as RESP2 has it.
const INVALIDATE: &[u8] = b"*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n";

impl Session {
    /// Whether an array may be none of the replies that are owed.
    pub(super) fn gets_arrays_unasked(&mut self) -> bool {
        self.protocol == Protocol::Two
            && matches!(self.subscriber.phase, Phase::Stuck | Phase::Entering)
            && (self.subscriber.is_subscribed() || matches!(self.owed.head(), Some(Entry::Confirmations(_))))
    }

    pub(super) fn begin_array(&mut self, rest: &[u8], now: Instant) -> Result<usize, Malformed> {
        match first_word(rest)? {
            None => Ok(0),
            Some(Kind::Message) => self.route_to(Route::Client, rest),
            Some(Kind::Confirmation { channels, enters }) => {
                self.begin_confirming(channels, enters, false, rest)
            }
            Some(_) => self.begin_answer(rest, now),
        }
    }

    pub(super) fn begin_push(&mut self, rest: &[u8]) -> Result<usize, Malformed> {
        let translates = self.protocol == Protocol::Two;
        let push = Push { translates, is_hidden: false, confirms: None, number: 0, in_number: false };
        match first_word(rest)? {
            None => Ok(0),
            Some(Kind::Confirmation { channels, enters }) => {
                self.begin_confirming(channels, enters, translates, rest)
            }
            Some(Kind::RedirectionBroken) if translates => self.route_to(Route::Nobody, rest),
            Some(Kind::Invalidate) if translates => self.begin_invalidate(push, rest),
            Some(_) if translates => self.route_to(Route::Push(push), rest),
            Some(_) => self.route_to(Route::Client, rest),
        }
    }

    fn begin_confirming(
        &mut self,
        channels: Channels,
        enters: bool,
        translates: bool,
        rest: &[u8],
    ) -> Result<usize, Malformed> {
        let expected = self.subscriber.count(channels);
        let (mut was_asked, mut is_hidden) = (false, false);
        let Some(name) = name_in(channels, rest)? else { return Ok(0) };
        if let Some(Entry::Confirmations(owed)) = self.owed.head()
            && owed.include(channels, enters, name)
        {
            owed.left.get_or_insert_with(|| u32::try_from(expected).unwrap_or(u32::MAX).max(1));
            (was_asked, is_hidden) = (true, owed.is_hidden);
        }
        let confirms = Some((channels, was_asked));
        let push = Push { translates, is_hidden, confirms, number: 0, in_number: false };
        self.route_to(Route::Push(push), rest)
    }

    /// Its header and its word are others in RESP2.
    fn begin_invalidate(&mut self, push: Push, rest: &[u8]) -> Result<usize, Malformed> {
        let mut frame = Frame::default();
        let mut taken = 0;
        for _ in 0..3 {
            let piece = frame.next(rest.get(taken..).unwrap_or_default())?; // header, word's header, word
            taken += piece.map_or(0, |piece| piece.length);
        }
        self.down.push(INVALIDATE);
        (self.frame, self.route) = (frame, Route::Push(push));
        Ok(taken)
    }

    /// While confirmations are owed: an error instead of them, or RESP2's without any subscription.
    pub(super) fn begin_confirmation(&mut self, rest: &[u8]) -> Result<usize, Malformed> {
        let Some(Entry::Confirmations(Confirmations { left, silent, is_hidden, .. })) = self.owed.head()
        else {
            return Err(Malformed);
        };
        let is_error = rest.starts_with(b"-");
        let is_shown = !(*is_hidden || (is_error && *silent));
        let left = left.get_or_insert(1);
        *left = if is_error { 0 } else { left.saturating_sub(1) };
        self.pop_confirmed();
        self.route_to(if is_shown { Route::Client } else { Route::Nobody }, rest)
    }

    fn pop_confirmed(&mut self) {
        if let Some(Entry::Confirmations(Confirmations { left: Some(0), .. })) = self.owed.head() {
            self.owed.pop();
            self.subscriber.under_way = self.subscriber.under_way.saturating_sub(1);
        }
    }

    pub(super) fn carry_push(&mut self, mut push: Push, rest: &[u8]) -> Result<usize, Malformed> {
        let mut taken = 0;
        while let Some(piece) = self.frame.next(rest.get(taken..).unwrap_or_default())? {
            let bytes = rest.get(taken..taken + piece.length).unwrap_or_default();
            taken += piece.length;
            push.read_number(piece.begins, bytes);
            if !push.is_hidden {
                self.show(push.translates, piece.begins, bytes);
            }
            if self.frame.is_complete() {
                self.end_push(push);
                break;
            }
        }
        self.route = Route::Push(push);
        Ok(taken)
    }

    fn show(&mut self, translates: bool, begins: Option<u8>, bytes: &[u8]) {
        match begins.filter(|_| translates) {
            Some(b'>') => {
                self.down.push(b"*");
                self.down.push(bytes.get(1..).unwrap_or_default());
            }
            Some(b'_') => self.down.push(b"$-1\r\n"),
            _ => self.down.push(bytes),
        }
    }

    fn end_push(&mut self, push: Push) {
        if let Some((channels, was_asked)) = push.confirms {
            self.subscriber.confirm(channels, push.number);
            if was_asked && let Some(Entry::Confirmations(owed)) = self.owed.head() {
                owed.left = owed.left.map(|left| left.saturating_sub(1));
                self.pop_confirmed();
            }
        }
        self.answer_locally();
    }
}

impl Push {
    /// The number of subscriptions comes last, and may be cut in two.
    fn read_number(&mut self, begins: Option<u8>, bytes: &[u8]) {
        if begins.is_some() {
            self.in_number = begins == Some(b':');
        }
        if self.in_number {
            if begins.is_some() {
                self.number = 0;
            }
            for digit in bytes.iter().filter(|byte| byte.is_ascii_digit()) {
                self.number = self.number.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
            }
        }
    }
}

/// The channel that a confirmation names, its second word. Shard channels are compared, others need not be looked for.
/// None if more has to come; an empty one is none, or longer than any that is compared.
fn name_in(channels: Channels, rest: &[u8]) -> Result<Option<&[u8]>, Malformed> {
    if channels != Channels::Shard {
        return Ok(Some(&[]));
    }
    let (mut frame, mut at) = (Frame::default(), 0);
    for _ in 0..3 {
        let piece = frame.next(rest.get(at..).unwrap_or_default())?; // header, word's header, word
        at += piece.map_or(0, |piece| piece.length);
    }
    let name = rest.get(at..).unwrap_or_default();
    match name.first() {
        None if !frame.is_complete() => return Ok(None),
        Some(b'$') => {}
        _ => return Ok(Some(&[])),
    }
    let Some((length, header)) = number(name).map_err(|_| Malformed)? else { return Ok(None) };
    let Ok(length) = usize::try_from(length) else { return Ok(Some(&[])) };
    match name.get(header..header.saturating_add(length)) {
        None if rest.len() < LONGEST_NAME => Ok(None),
        found => Ok(Some(found.unwrap_or_default())),
    }
}

/// The kind of a push or an array, by its first word; none if more has to come.
fn first_word(rest: &[u8]) -> Result<Option<Kind>, Malformed> {
    let mut frame = Frame::default();
    let Some(header) = frame.next(rest)? else { return Ok(None) };
    if frame.is_complete() {
        return Ok(Some(Kind::Other));
    }
    let after = rest.get(header.length..).unwrap_or_default();
    let Some(word) = frame.next(after)? else { return Ok(None) };
    if word.begins != Some(b'$') {
        return Ok(Some(Kind::Other));
    }
    let after = after.get(word.length..).unwrap_or_default();
    match memchr::memchr(b'\n', after) {
        Some(end) => Ok(Some(Kind::named(after.get(..end).unwrap_or_default().trim_ascii_end()))),
        None if rest.len() < LONGEST_HEAD => Ok(None),
        None => Ok(Some(Kind::Other)),
    }
}
