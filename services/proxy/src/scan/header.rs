//! The number in a header: `*3\r\n`, `$512\r\n`.

use memchr::memchr;

/// Longer than any number with its line's end.
const LONGEST: usize = 24;

/// What stands where a number should.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotANumber;

/// The number behind the type's byte and the length of the whole header; none if more has to come. As Redis has it: no
/// `+`, no leading zero.
#[inline]
pub(crate) fn number(header: &[u8]) -> Result<Option<(i64, usize)>, NotANumber> {
    if let [_, digit @ b'0'..=b'9', b'\r', b'\n', ..] = header {
        return Ok(Some((i64::from(digit - b'0'), 4))); // most are like that
    }
    let window = header.get(..LONGEST).unwrap_or(header);
    let Some(end) = memchr(b'\r', window) else {
        return if header.len() < LONGEST { Ok(None) } else { Err(NotANumber) };
    };
    let value = parse(window.get(1..end).unwrap_or_default()).ok_or(NotANumber)?;
    match header.get(end + 1) {
        None => Ok(None),
        Some(b'\n') => Ok(Some((value, end + 2))),
        Some(_) => Err(NotANumber),
    }
}

fn parse(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let is_canonical = matches!(digits, [b'1'..=b'9', ..] | [b'0']) && text != b"-0";
    let is_number = is_canonical && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok()?.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_redis_reads_it() {
        for (header, value, length) in [
            ("*0\r\n", 0, 4),
            ("$-1\r\nx", -1, 5),
            ("$512\r\n", 512, 6),
            ("*9223372036854775807\r\n", i64::MAX, 22),
        ] {
            assert_eq!(number(header.as_bytes()), Ok(Some((value, length))), "{header}");
            for cut in 1..length {
                assert_eq!(number(&header.as_bytes()[..cut]), Ok(None), "{header} cut at {cut}");
            }
        }
        for wrong in [
            "$04\r\n",
            "$+4\r\n",
            "$-0\r\n",
            "$\r\n",
            "$-\r\n",
            "*1\n$4\r\n",
            "$4\rx",
            "$ 4\r\n",
            "$99999999999999999999\r\n",
        ] {
            assert_eq!(number(wrong.as_bytes()), Err(NotANumber), "{wrong:?}");
        }
        assert_eq!(number("$".repeat(LONGEST).as_bytes()), Err(NotANumber), "not read on for ever");
    }
}
