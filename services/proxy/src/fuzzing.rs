//! What holds for any bytes, whoever sends them: the fuzzers' targets (fuzz/), and the tests' with random bytes. Each ends
//! in a panic if it does not hold.

use crate::cluster::{Redirection, View, redirection, rewritten_for_itself};
use crate::scan::{Body, Frame, Head, head, words};
use redis_protocol::resp2::types::{OwnedFrame, Resp2Frame as _};
use redis_protocol::{resp2, resp3};
use std::panic::catch_unwind;

/// Where each frame of a stream ends, and whether the stream was refused behind the last of them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    ends: Vec<usize>,
    is_refused: bool,
}

/// Reads a stream in two pieces, as a connection does: what could not be taken is offered again with what has come since.
fn in_two_pieces(
    stream: &[u8],
    cut: usize,
    mut step: impl FnMut(&[u8]) -> Result<(usize, bool), ()>,
) -> Seen {
    let (mut seen, mut at) = (Seen::default(), 0);
    for so_far in [stream.get(..cut).unwrap_or(stream), stream] {
        loop {
            match step(so_far.get(at..).unwrap_or_default()) {
                Ok((0, _)) => break,
                Ok((taken, ends)) => {
                    at += taken;
                    assert!(at <= so_far.len(), "more was taken than was there");
                    if ends {
                        seen.ends.push(at);
                    }
                }
                Err(()) => {
                    seen.is_refused = true;
                    return seen;
                }
            }
        }
    }
    seen
}

/// The same wherever the stream is cut.
fn wherever_it_is_cut(stream: &[u8], read: impl Fn(usize) -> Seen) -> Seen {
    let whole = read(stream.len());
    for cut in 0..stream.len() {
        assert_eq!(read(cut), whole, "cut at {cut}: {}", stream.escape_ascii());
    }
    whole
}

/// Compares frame by frame with where another decoder says that they end. It may know less; what it says has to agree.
fn compare(stream: &[u8], seen: &Seen, theirs: impl Fn(&[u8]) -> Option<usize> + std::panic::RefUnwindSafe) {
    let starts = std::iter::once(0).chain(seen.ends.iter().copied());
    for (start, end) in starts.zip(&seen.ends) {
        let rest = stream.get(start..).unwrap_or_default();
        // Some lengths are too much for it.
        if let Ok(Some(length)) = catch_unwind(|| theirs(rest)) {
            assert_eq!(start + length, *end, "the frame at {start} of {}", stream.escape_ascii());
        }
    }
}

/// Replies end at the same bytes wherever they are cut, and where redis-protocol says.
pub fn replies(stream: &[u8]) {
    let seen = wherever_it_is_cut(stream, |cut| {
        let mut frame = Frame::default();
        in_two_pieces(stream, cut, |input| {
            let taken = frame.advance(input).map_err(|_| ())?;
            Ok((taken, frame.is_complete()))
        })
    });
    // An attribute belongs to what follows it, which redis-protocol says nothing of.
    let theirs = |rest: &[u8]| match rest.first() {
        Some(b'|') => None,
        _ => resp3::decode::complete::decode_range(rest).ok()?.map(|(_, length)| length),
    };
    compare(stream, &seen, theirs);
}

/// Requests end at the same bytes wherever they are cut, and have the words that redis-protocol finds.
pub fn requests(stream: &[u8]) {
    let seen = wherever_it_is_cut(stream, |cut| {
        let mut body: Option<Body> = None;
        in_two_pieces(stream, cut, |input| {
            let taken = match &mut body {
                None => match head(input).map_err(|_| ())? {
                    Head::Incomplete => return Ok((0, false)),
                    Head::Nothing(length) | Head::Inline(length) => return Ok((length, true)),
                    Head::Array { arguments, length } => {
                        body = Some(Body::new(arguments));
                        length
                    }
                },
                Some(body) => body.advance(input).map_err(|_| ())?,
            };
            let is_complete = body.as_ref().is_some_and(Body::is_complete);
            if is_complete {
                body = None;
            }
            Ok((taken, is_complete))
        })
    });
    compare(stream, &seen, |rest| match resp2::decode::decode(rest).ok()? {
        Some((OwnedFrame::Array(_), length)) => Some(length),
        _ => None, // a line is a request to a server, and none to redis-protocol
    });
    let mut start = 0;
    for end in seen.ends {
        same_words(stream.get(start..end).unwrap_or_default());
        start = end;
    }
}

fn same_words(request: &[u8]) {
    let ours = words(request);
    let Ok(Ok(Some((OwnedFrame::Array(frames), _)))) = catch_unwind(|| resp2::decode::decode(request)) else {
        return; // a line may have quotes that are not closed
    };
    let theirs: Vec<_> = frames.iter().map(|frame| frame.as_bytes().unwrap_or_default()).collect();
    assert!(
        ours.as_ref().is_ok_and(|ours| *ours == theirs),
        "{ours:?} are the words of {}",
        request.escape_ascii()
    );
}

/// A reply that may name nodes: what becomes of it is one reply, and the same again if it is changed again. The first byte
/// says what was asked.
pub fn nodes(input: &[u8]) {
    let Some((kind, reply)) = input.split_first() else { return };
    is_one_redirection_or_none(reply);
    let mut frame = Frame::default();
    let is_one_reply = frame.advance(reply) == Ok(reply.len()) && frame.is_complete() && !reply.is_empty();
    let views = [View::Slots, View::Shards, View::Nodes, View::Replicas];
    let Some(view) = views.get(usize::from(kind % 4)) else { return };
    let once = rewritten_for_itself(*view, reply); // of anything: it must not panic
    if is_one_reply {
        is_one(&once);
        assert_eq!(rewritten_for_itself(*view, &once), once, "{view:?} of {}", reply.escape_ascii());
    }
}

fn is_one(reply: &[u8]) {
    let mut frame = Frame::default();
    let taken = frame.advance(reply);
    let whole = taken == Ok(reply.len()) && frame.is_complete();
    assert!(whole, "{taken:?} of {}", reply.escape_ascii());
}

/// What is a redirection, or is none, stays that whatever comes behind it.
fn is_one_redirection_or_none(reply: &[u8]) {
    let whole = redirection(reply);
    for cut in 1..reply.len() {
        match redirection(reply.get(..cut).unwrap_or_default()) {
            Redirection::Incomplete => {}
            part => assert_eq!(part, whole, "cut at {cut}: {}", reply.escape_ascii()),
        }
    }
}
