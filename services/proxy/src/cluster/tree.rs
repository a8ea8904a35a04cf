//! A whole reply that is to be changed: RESP2 and RESP3, as far as answers about a cluster go.

use super::Trouble;
use crate::scan::number;
use std::borrow::Cow;

/// Deeper than any answer about a cluster.
const DEEPEST: u8 = 8;

/// A frame and those in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// What is one line, its end included: numbers, nulls, short texts.
    Line(Cow<'a, [u8]>),
    /// `$` or `=`
    Text(u8, Cow<'a, [u8]>),
    /// `*`, `~` or `%`; keys and values of a map one after the other.
    Many(u8, Vec<Value<'a>>),
}

impl<'a> Value<'a> {
    /// The reply, if it is whole and nothing is behind it.
    pub(super) fn read(reply: &'a [u8]) -> Result<Self, Trouble> {
        match read(reply, DEEPEST) {
            Some((value, [])) => Ok(value),
            _ => Err(Trouble::Unknown),
        }
    }

    pub(super) fn text(text: String) -> Self {
        Self::Text(b'$', text.into_bytes().into())
    }

    pub(super) fn integer(number: u16) -> Self {
        Self::Line(format!(":{number}\r\n").into_bytes().into())
    }

    /// The frames in it; for a map key, value, key, value.
    pub(super) fn items(&mut self) -> Result<&mut Vec<Self>, Trouble> {
        match self {
            Self::Many(_, items) => Ok(items),
            _ => Err(Trouble::Unknown),
        }
    }

    /// A port as an integer.
    pub(super) fn port(&self) -> Result<u16, Trouble> {
        let Self::Line(line) = self else { return Err(Trouble::Unknown) };
        let digits = line.strip_prefix(b":").and_then(|rest| std::str::from_utf8(rest).ok());
        digits.and_then(|digits| digits.trim_end().parse().ok()).ok_or(Trouble::Unknown)
    }

    pub(super) fn is(&self, word: &str) -> bool {
        match self {
            Self::Text(_, text) => **text == *word.as_bytes(),
            Self::Line(line) => {
                line.strip_prefix(b"+").is_some_and(|text| text.trim_ascii_end() == word.as_bytes())
            }
            Self::Many(..) => false,
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Line(line) => out.extend_from_slice(line),
            Self::Text(kind, text) => {
                header(*kind, text.len(), out);
                out.extend_from_slice(text);
                out.extend_from_slice(b"\r\n");
            }
            Self::Many(kind, items) => {
                header(*kind, if *kind == b'%' { items.len() / 2 } else { items.len() }, out);
                items.iter().for_each(|item| item.write(out));
            }
        }
    }
}

fn header(kind: u8, count: usize, out: &mut Vec<u8>) {
    out.push(kind);
    out.extend(format!("{count}\r\n").bytes());
}

fn read(input: &[u8], depth: u8) -> Option<(Value<'_>, &[u8])> {
    let kind = *input.first()?;
    match kind {
        b'$' | b'=' | b'*' | b'~' | b'%' => {
            let (count, length) = number(input).ok()??;
            let rest = input.get(length..)?;
            match usize::try_from(count) {
                Err(_) => Some((Value::Line(input.get(..length)?.into()), rest)), // RESP2's nulls
                Ok(length) if matches!(kind, b'$' | b'=') => {
                    let text = rest.get(..length)?;
                    Some((Value::Text(kind, text.into()), rest.get(length..)?.strip_prefix(b"\r\n")?))
                }
                Ok(count) => read_many(kind, count, rest, depth),
            }
        }
        b'+' | b':' | b'_' | b'#' | b',' | b'(' => {
            let end = memchr::memchr(b'\n', input)? + 1;
            Some((Value::Line(input.get(..end)?.into()), input.get(end..)?))
        }
        _ => None, // no answer about a cluster has anything else in it
    }
}

fn read_many(kind: u8, count: usize, mut rest: &[u8], depth: u8) -> Option<(Value<'_>, &[u8])> {
    let depth = depth.checked_sub(1)?;
    let count = if kind == b'%' { count.checked_mul(2)? } else { count };
    let mut items = Vec::new();
    for _ in 0..count {
        let (item, behind) = read(rest, depth)?;
        items.push(item);
        rest = behind;
    }
    Some((Value::Many(kind, items), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_again() {
        for reply in [
            "*0\r\n",
            "*-1\r\n",
            "$-1\r\n",
            "_\r\n",
            "%2\r\n$1\r\na\r\n:1\r\n+b\r\n#t\r\n",
            "=7\r\ntxt:a\r\n\r\n",
            "*2\r\n*1\r\n~1\r\n,1.5\r\n$0\r\n\r\n",
        ] {
            let mut again = Vec::new();
            Value::read(reply.as_bytes()).expect(reply).write(&mut again);
            assert_eq!(String::from_utf8(again).unwrap(), reply);
            for cut in 0..reply.len() {
                assert_eq!(
                    Value::read(&reply.as_bytes()[..cut]),
                    Err(Trouble::Unknown),
                    "{reply:?} cut at {cut}"
                );
            }
        }
        for wrong in ["*1\r\n>1\r\n:1\r\n", "+a\r\n+b\r\n", "%9223372036854775807\r\n", "$1\r\nab\r\n"] {
            assert_eq!(Value::read(wrong.as_bytes()), Err(Trouble::Unknown), "{wrong:?}");
        }
        assert_eq!(
            Value::read("*1\r\n".repeat(100_000).as_bytes()),
            Err(Trouble::Unknown),
            "no stack is so deep"
        );
    }
}
