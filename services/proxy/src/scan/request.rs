//! Where a request ends, and what its first words are.

use super::header::number;
use super::inline::split_line;
use memchr::memchr;
use std::borrow::Cow;
use std::fmt;

/// Of a request in one line, and of what a server reads of a header before it gives up.
const LONGEST_LINE: usize = 64 * 1024;
/// Redis's `proto-max-bulk-len`.
const LONGEST_ARGUMENT: i64 = 512 << 20;
/// A command's name and its subcommand's are shorter.
const LONGEST_WORD: i64 = 32;

/// What came is no request. Its Display is what Redis says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProtocolError {
    InvalidMultibulkLength,
    InvalidBulkLength,
    ExpectedDollar(u8),
    BulkWithoutEnd,
    InlineTooBig,
    UnbalancedQuotes,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ERR Protocol error: ")?;
        match self {
            Self::InvalidMultibulkLength => f.write_str("invalid multibulk length"),
            Self::InvalidBulkLength => f.write_str("invalid bulk length"),
            Self::ExpectedDollar(byte) if byte.is_ascii_graphic() => {
                write!(f, "expected '$', got '{}'", char::from(*byte))
            }
            Self::ExpectedDollar(_) => f.write_str("expected '$', got ' '"),
            Self::BulkWithoutEnd => f.write_str("expected CRLF after bulk"),
            Self::InlineTooBig => f.write_str("too big inline request"),
            Self::UnbalancedQuotes => f.write_str("unbalanced quotes in request"),
        }
    }
}

/// How a request begins.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// So little has come that it cannot be said.
    Incomplete,
    /// What Redis does not answer: an empty line, `*0`, `*-1`. Its length.
    Nothing(usize),
    /// A line, its end included.
    Inline(usize),
    /// An array: how many arguments, the name included, and how long its header is.
    Array { arguments: u32, length: usize },
}

/// How the request begins that begins here.
#[inline]
pub(crate) fn head(input: &[u8]) -> Result<Head, ProtocolError> {
    match input.first() {
        None => Ok(Head::Incomplete),
        Some(b'*') => {
            let parsed = number(input).map_err(|_| ProtocolError::InvalidMultibulkLength)?;
            let Some((count, length)) = parsed else { return Ok(Head::Incomplete) };
            match u32::try_from(count) {
                Err(_) if count < 0 => Ok(Head::Nothing(length)),
                Ok(0) => Ok(Head::Nothing(length)),
                Ok(arguments) if i32::try_from(count).is_ok() => Ok(Head::Array { arguments, length }),
                _ => Err(ProtocolError::InvalidMultibulkLength),
            }
        }
        Some(_) => line(input),
    }
}

fn line(input: &[u8]) -> Result<Head, ProtocolError> {
    let window = input.get(..LONGEST_LINE).unwrap_or(input);
    match memchr(b'\n', window) {
        Some(end) if window.get(..end).is_some_and(|line| line.iter().all(u8::is_ascii_whitespace)) => {
            Ok(Head::Nothing(end + 1))
        }
        Some(end) => Ok(Head::Inline(end + 1)),
        None if input.len() < LONGEST_LINE => Ok(Head::Incomplete),
        None => Err(ProtocolError::InlineTooBig),
    }
}

/// An argument of an array.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Word<'a> {
    Incomplete,
    /// Longer than any name.
    Long,
    /// The text, and where the next argument begins.
    Text(&'a [u8], usize),
}

/// The argument that begins at `at`, if it can be a name.
#[inline]
pub(crate) fn word_at(input: &[u8], at: usize) -> Result<Word<'_>, ProtocolError> {
    let rest = input.get(at..).unwrap_or_default();
    let Some((length, header)) = bulk(rest)? else { return Ok(Word::Incomplete) };
    let Ok(length @ 0..=LONGEST_WORD) = i64::try_from(length) else { return Ok(Word::Long) };
    let length = usize::try_from(length).unwrap_or(0);
    let Some(text) = rest.get(header..header + length) else { return Ok(Word::Incomplete) };
    match rest.get(header + length..header + length + 2) {
        None => Ok(Word::Incomplete),
        Some(b"\r\n") => Ok(Word::Text(text, at + header + length + 2)),
        Some(_) => Err(ProtocolError::BulkWithoutEnd),
    }
}

/// The length that an argument's header says, and its own.
#[inline]
fn bulk(header: &[u8]) -> Result<Option<(u64, usize)>, ProtocolError> {
    match header.first() {
        None => return Ok(None),
        Some(b'$') => {}
        Some(other) => return Err(ProtocolError::ExpectedDollar(*other)),
    }
    let Some((length, header)) = number(header).map_err(|_| ProtocolError::InvalidBulkLength)? else {
        return Ok(None);
    };
    match u64::try_from(length) {
        Ok(value) if length <= LONGEST_ARGUMENT => Ok(Some((value, header))),
        _ => Err(ProtocolError::InvalidBulkLength),
    }
}

/// How far the arguments of an array have been looked through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body {
    /// How many are still to end.
    left: u32,
    at: At,
}

#[derive(Clone, Copy, Debug)]
enum At {
    Header,
    Text(u64),
    End,
}

impl Body {
    /// Of an array with so many arguments.
    #[inline]
    pub(crate) fn new(arguments: u32) -> Self {
        Self { left: arguments, at: At::Header }
    }

    #[inline]
    pub(crate) fn is_complete(&self) -> bool {
        self.left == 0
    }

    /// Goes on, in what has come since, to the request's end or as far as possible; how far that is. What is left over
    /// is the beginning of a header or of a line's end.
    #[inline]
    pub(crate) fn advance(&mut self, input: &[u8]) -> Result<usize, ProtocolError> {
        let mut at = 0;
        while self.left > 0 {
            let rest = input.get(at..).unwrap_or_default();
            match self.at {
                At::Header => match bulk(rest)? {
                    Some((length, header)) => {
                        at += header;
                        self.at = At::Text(length);
                    }
                    None => break,
                },
                At::Text(left) => {
                    let here = u64::try_from(rest.len()).map_or(left, |length| length.min(left));
                    at += usize::try_from(here).unwrap_or(rest.len());
                    self.at = if here == left { At::End } else { At::Text(left - here) };
                    if here < left {
                        break;
                    }
                }
                At::End => match rest {
                    [b'\r', b'\n', ..] => {
                        at += 2;
                        self.left -= 1;
                        self.at = At::Header;
                    }
                    [] | [b'\r'] => break,
                    _ => return Err(ProtocolError::BulkWithoutEnd),
                },
            }
        }
        Ok(at)
    }
}

/// The words of a complete request.
pub(crate) fn words(request: &[u8]) -> Result<Vec<Cow<'_, [u8]>>, ProtocolError> {
    match head(request)? {
        Head::Incomplete | Head::Nothing(_) => Ok(Vec::new()),
        Head::Inline(length) => {
            let line = request.get(..length - 1).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let words = split_line(line).ok_or(ProtocolError::UnbalancedQuotes)?;
            Ok(words.into_iter().map(Cow::Owned).collect())
        }
        Head::Array { length, .. } => {
            let mut words = Vec::new();
            let mut rest = request.get(length..).unwrap_or_default();
            while let Some((length, header)) = bulk(rest)? {
                let end = usize::try_from(length).map_or(rest.len(), |length| header + length);
                words.push(Cow::Borrowed(rest.get(header..end).unwrap_or_default()));
                rest = rest.get(end + 2..).unwrap_or_default();
            }
            Ok(words)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole length of a request in one go.
    fn length(input: &[u8]) -> Result<Option<usize>, ProtocolError> {
        match head(input)? {
            Head::Incomplete => Ok(None),
            Head::Nothing(length) | Head::Inline(length) => Ok(Some(length)),
            Head::Array { arguments, length } => {
                let mut body = Body::new(arguments);
                let end = length + body.advance(&input[length..])?;
                Ok(body.is_complete().then_some(end))
            }
        }
    }

    const REQUESTS: [(&str, &[&str]); 12] = [
        ("*1\r\n$4\r\nPING\r\n", &["PING"]),
        ("*2\r\n$4\r\nECHO\r\n$4\r\na\r\nb\r\n", &["ECHO", "a\r\nb"]),
        ("*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", &["ECHO", ""]),
        ("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$10\r\n0123456789\r\n", &["SET", "a", "0123456789"]),
        ("PING\r\n", &["PING"]),
        ("PING\n", &["PING"]),
        ("  echo \"a b\" \r\n", &["echo", "a b"]),
        ("\r\n", &[]),
        ("\n", &[]),
        ("   \r\n", &[]),
        ("*0\r\n", &[]),
        ("*-1\r\n", &[]),
    ];

    #[test]
    fn requests_end_where_they_end_and_say_their_words() {
        for (request, expected) in REQUESTS {
            let stream = format!("{request}*1\r\n$4\r\nQUIT\r\n");
            assert_eq!(length(stream.as_bytes()), Ok(Some(request.len())), "{request:?}");
            let said = words(request.as_bytes()).unwrap();
            assert_eq!(said.iter().map(|word| String::from_utf8_lossy(word)).collect::<Vec<_>>(), expected);
            for cut in 0..request.len() {
                let shorter = length(&request.as_bytes()[..cut]);
                assert!(matches!(shorter, Ok(None)), "{request:?} cut at {cut}: {shorter:?}");
            }
        }
    }

    #[test]
    fn a_body_goes_on_wherever_it_was_cut() {
        let (request, _) = REQUESTS[1];
        for cut in 4..request.len() {
            let mut body = Body::new(2);
            let at = body.advance(&request.as_bytes()[4..cut]).unwrap();
            assert!(!body.is_complete(), "cut at {cut}");
            let rest = body.advance(&request.as_bytes()[4 + at..]).unwrap();
            assert_eq!((4 + at + rest, body.is_complete()), (request.len(), true), "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_request_is_refused_in_redis_words() {
        for (wrong, text) in [
            ("*x\r\n", "invalid multibulk length"),
            ("*1\n$4\r\nPING\r\n", "invalid multibulk length"),
            ("*2147483648\r\n", "invalid multibulk length"),
            ("*1\r\nPING\r\n", "expected '$', got 'P'"),
            ("*1\r\n:1\r\n", "expected '$', got ':'"),
            ("*1\r\n$x\r\n", "invalid bulk length"),
            ("*1\r\n$-1\r\n", "invalid bulk length"),
            ("*1\r\n$04\r\nPING\r\n", "invalid bulk length"),
            ("*1\r\n$+4\r\nPING\r\n", "invalid bulk length"),
            ("*1\r\n$536870913\r\n", "invalid bulk length"),
            ("*1\r\n$4\r\nPINGxx", "expected CRLF after bulk"),
        ] {
            let error = length(wrong.as_bytes()).expect_err(wrong);
            assert_eq!(error.to_string(), format!("ERR Protocol error: {text}"), "{wrong:?}");
        }
        let endless = vec![b'a'; LONGEST_LINE];
        assert_eq!(length(&endless[1..]), Ok(None));
        assert_eq!(length(&endless).unwrap_err().to_string(), "ERR Protocol error: too big inline request");
        assert_eq!(words(b"ECHO \"a\r\n").unwrap_err(), ProtocolError::UnbalancedQuotes);
    }

    #[test]
    fn a_name_is_known_before_what_follows_it_and_a_long_word_is_none() {
        assert_eq!(word_at(b"*2\r\n$4\r\nECHO\r\n$536", 4), Ok(Word::Text(b"ECHO", 14)));
        assert_eq!(word_at(b"*2\r\n$4\r\nECHO\r\n$536", 14), Ok(Word::Incomplete));
        assert_eq!(word_at(b"*2\r\n$4\r\nECHO\r", 4), Ok(Word::Incomplete));
        assert_eq!(word_at(b"*2\r\n$33\r\n", 4), Ok(Word::Long));
        assert_eq!(word_at(b"*1\r\n$4\r\nECHOxx", 4), Err(ProtocolError::BulkWithoutEnd));
    }
}
