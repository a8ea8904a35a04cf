//! Where a reply ends: one counter of frames still to come, no stack, whatever the depth and the size.

use super::header::number;
use memchr::memchr;

/// What came is no reply of a Redis: RESP2, or RESP3 without the streamed types, which no Redis sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// How far a top-level frame has been looked through.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Frame {
    /// How many frames are still to come: an aggregate owes its elements. 0: this one is complete, or not begun.
    left: u64,
    at: At,
}

#[derive(Clone, Copy, Debug, Default)]
enum At {
    #[default]
    Header,
    /// Inside a line, up to its end.
    Line,
    /// So much of a text and its line's end is to come.
    Text(u64),
}

/// The next stretch of a frame that belongs together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) length: usize,
    /// The type, if the stretch begins a frame, at whatever depth.
    pub(crate) begins: Option<u8>,
}

impl Frame {
    /// Whether nothing of a frame has come, or all of it.
    #[inline]
    pub(crate) fn is_complete(&self) -> bool {
        self.left == 0
    }

    /// Goes on, in what has come since, to the frame's end or as far as possible; how far that is. What is left over is
    /// the beginning of a header.
    #[inline]
    pub(crate) fn advance(&mut self, input: &[u8]) -> Result<usize, Malformed> {
        let mut at = 0;
        while let Some(piece) = self.next(input.get(at..).unwrap_or_default())? {
            at += piece.length;
            if self.is_complete() {
                break;
            }
        }
        Ok(at)
    }

    /// The next piece; none if more has to come. After the last one the frame is complete, and the next begins another.
    #[inline]
    pub(crate) fn next(&mut self, input: &[u8]) -> Result<Option<Piece>, Malformed> {
        let Some(first) = input.first() else { return Ok(None) };
        let length = match self.at {
            At::Header => return self.header(*first, input),
            At::Line => match self.line(input)? {
                0 => return Ok(None),
                length => length,
            },
            At::Text(left) => {
                let here = u64::try_from(input.len()).map_or(left, |length| length.min(left));
                self.text(left - here);
                usize::try_from(here).unwrap_or(input.len())
            }
        };
        Ok(Some(Piece { length, begins: None }))
    }

    #[inline]
    fn header(&mut self, kind: u8, input: &[u8]) -> Result<Option<Piece>, Malformed> {
        let begins = Some(kind);
        if matches!(kind, b'+' | b'-' | b':' | b'#' | b',' | b'(') {
            self.left = self.left.max(1);
            return Ok(Some(Piece { length: self.line(input)?, begins }));
        }
        let (elements, length) = match kind {
            b'_' => match input {
                [_, b'\r', b'\n', ..] => (0, 3),
                [_] | [_, b'\r'] => return Ok(None),
                _ => return Err(Malformed),
            },
            b'$' | b'=' | b'!' | b'*' | b'~' | b'>' | b'%' | b'|' => {
                let Some((number, length)) = number(input).map_err(|_| Malformed)? else { return Ok(None) };
                let number =
                    if number == -1 { None } else { Some(u64::try_from(number).map_err(|_| Malformed)?) };
                match (kind, number) {
                    (b'$' | b'=' | b'!', Some(text)) => {
                        self.left = self.left.max(1);
                        self.text(text.checked_add(2).ok_or(Malformed)?);
                        return Ok(Some(Piece { length, begins }));
                    }
                    (b'%', Some(pairs)) => (pairs.checked_mul(2).ok_or(Malformed)?, length),
                    // What an attribute describes follows it.
                    (b'|', Some(pairs)) => {
                        (pairs.checked_mul(2).and_then(|n| n.checked_add(1)).ok_or(Malformed)?, length)
                    }
                    (b'|', None) => return Err(Malformed),
                    (_, elements) => (elements.unwrap_or(0), length),
                }
            }
            _ => return Err(Malformed),
        };
        self.left = (self.left.max(1) - 1).checked_add(elements).ok_or(Malformed)?;
        Ok(Some(Piece { length, begins }))
    }

    /// Steps over a line as far as it is there. A carriage return waits for what follows it.
    #[inline]
    fn line(&mut self, input: &[u8]) -> Result<usize, Malformed> {
        match memchr(b'\n', input) {
            Some(end) if input.get(..end).is_some_and(|line| line.last() == Some(&b'\r')) => {
                self.at = At::Header;
                self.left -= 1;
                Ok(end + 1)
            }
            Some(_) => Err(Malformed),
            None => {
                self.at = At::Line;
                Ok(input.strip_suffix(b"\r").unwrap_or(input).len())
            }
        }
    }

    /// So much of a text is still to come.
    #[inline]
    fn text(&mut self, left: u64) {
        if left == 0 {
            self.at = At::Header;
            self.left -= 1;
        } else {
            self.at = At::Text(left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLIES: [&str; 27] = [
        "+OK\r\n",
        "-WRONGPASS invalid username-password pair or user is disabled.\r\n",
        ":1\r\n",
        ":-1\r\n",
        "$3\r\na\r\n\r\n",
        "$0\r\n\r\n",
        "$-1\r\n",
        "*-1\r\n",
        "*0\r\n",
        "_\r\n",
        "#t\r\n",
        ",1.5\r\n",
        ",inf\r\n",
        "(123456789012345678901\r\n",
        "=7\r\ntxt:abc\r\n",
        "!5\r\nERR x\r\n",
        "*2\r\n$1\r\na\r\n:1\r\n",
        "*2\r\n*1\r\n:1\r\n~2\r\n#f\r\n$-1\r\n",
        "*1\r\n*1\r\n*1\r\n*0\r\n",
        "%1\r\n+a\r\n#t\r\n",
        "%0\r\n",
        "~0\r\n",
        "~1\r\n_\r\n",
        "|1\r\n+ttl\r\n:3\r\n*1\r\n+a\r\n",
        "*2\r\n|1\r\n+ttl\r\n:3\r\n:1\r\n:2\r\n",
        ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n",
        "*3\r\n:1\r\n*-1\r\n,1e3\r\n",
    ];

    #[test]
    fn every_type_ends_where_it_ends_wherever_it_is_cut() {
        for reply in REPLIES {
            let stream = format!("{reply}+next\r\n");
            for cut in 0..reply.len() {
                let mut frame = Frame::default();
                let at = frame.advance(&stream.as_bytes()[..cut]).expect(reply);
                assert!(at <= cut && (cut == 0 || at == 0 || !frame.is_complete()), "{reply:?} cut at {cut}");
                let rest = frame.advance(&stream.as_bytes()[at..]).expect(reply);
                assert_eq!((at + rest, frame.is_complete()), (reply.len(), true), "{reply:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn replies_byte_by_byte_are_the_same_replies() {
        let stream = REPLIES.concat();
        let (mut frame, mut pending, mut ends, mut read) = (Frame::default(), Vec::new(), Vec::new(), 0);
        for byte in stream.bytes() {
            pending.push(byte);
            let taken = frame.advance(&pending).unwrap();
            read += taken;
            pending.drain(..taken);
            if taken > 0 && frame.is_complete() {
                ends.push(read);
            }
        }
        let mut end = 0;
        let expected: Vec<usize> = REPLIES
            .iter()
            .map(|reply| {
                end += reply.len();
                end
            })
            .collect();
        assert_eq!(ends, expected);
    }

    #[test]
    fn what_no_redis_sends_is_an_error() {
        for wrong in [
            "nonsense\r\n",
            "*-2\r\n",
            "$x\r\n",
            "*?\r\n",
            "$?\r\n;1\r\n",
            ".\r\n",
            "*1\r\n?\r\n",
            "_x\r\n",
            "|-1\r\n",
            "%9223372036854775807\r\n*2\r\n",
            "$04\r\nabcd\r\n",
            "HTTP/1.1 400 Bad Request\r\n",
            "\x15\x03\x01",
            "+a\nb\r\n",
            ":\n",
        ] {
            let mut frame = Frame::default();
            let outcome = frame.advance(wrong.as_bytes());
            assert!(outcome.is_err() || (wrong.starts_with("%9") && !frame.is_complete()), "{wrong:?}");
        }
    }

    #[test]
    fn neither_depth_nor_size_costs_memory() {
        let mut frame = Frame::default();
        let deep = "*1\r\n".repeat(1_000_000);
        assert_eq!(frame.advance(deep.as_bytes()), Ok(deep.len()));
        assert!(!frame.is_complete() && frame.advance(b":1\r\n") == Ok(4) && frame.is_complete());
        assert_eq!(frame.advance(b"$536870912\r\n"), Ok(12));
        let chunk = vec![b'\n'; 1 << 20];
        for _ in 0..512 {
            assert_eq!(frame.advance(&chunk), Ok(1 << 20));
        }
        assert!(!frame.is_complete() && frame.advance(b"\r\n+") == Ok(2) && frame.is_complete());
    }
}
