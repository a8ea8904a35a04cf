//! Requests: arrays of bulk strings, or a line of words as a person types them.

use bytes::{Buf as _, Bytes, BytesMut};

/// Redis takes no longer argument from a connection that is not authenticated.
const UNAUTHENTICATED_BULK: usize = 16_384;
/// Nor more of them.
const UNAUTHENTICATED_WORDS: usize = 10;
/// Redis's `proto-max-bulk-len`.
const MAX_BULK: usize = 512 << 20;
/// As many words as Redis takes in one request.
const MAX_WORDS: usize = 1 << 20;
/// More bytes than a number and its line's end take.
const LONGEST_NUMBER: usize = 32;
/// A line of words longer than this is no request.
const MAX_INLINE: usize = 65_536;

/// The words of one request. Never empty.
pub(super) type Request = Vec<Bytes>;

/// The next request in the buffer, if it is complete; the text of a protocol error ends the connection.
pub(super) fn next(buffer: &mut BytesMut, authenticated: bool) -> Result<Option<Request>, &'static str> {
    loop {
        let found = match buffer.first() {
            None => return Ok(None),
            Some(b'*') => array(buffer, authenticated)?,
            Some(_) => inline(buffer)?,
        };
        match found {
            Some(words) if words.is_empty() => (), // an empty line or array is passed over
            found => return Ok(found),
        }
    }
}

/// Whether it is a line of a request in HTTP. As by Redis, whoever sends one is disconnected without an answer: a web page may
/// have made a browser send it.
pub(super) fn is_http(words: &[Bytes]) -> bool {
    let is = |name: &[u8]| words.first().is_some_and(|word| word.eq_ignore_ascii_case(name));
    is(b"post") || is(b"host:")
}

/// An array of bulk strings and nothing else. The library's decoder takes arrays in arrays too, each deeper on the
/// stack: a few kilobytes from any client would end the process.
fn array(buffer: &mut BytesMut, authenticated: bool) -> Result<Option<Request>, &'static str> {
    let longest = if authenticated { MAX_BULK } else { UNAUTHENTICATED_BULK };
    let Some((count, mut at)) = number(buffer, 0, "invalid multibulk length")? else { return Ok(None) };
    let count = usize::try_from(count).unwrap_or(0); // less than none is none
    if count > MAX_WORDS {
        return Err("invalid multibulk length");
    }
    if !authenticated && count > UNAUTHENTICATED_WORDS {
        return Err("unauthenticated multibulk length");
    }
    let mut places = Vec::new(); // not as large as was promised: nothing has come yet
    for _ in 0..count {
        match buffer.get(at) {
            None => return Ok(None),
            Some(b'$') => (),
            Some(_) => return Err("expected '$'"),
        }
        let Some((length, start)) = number(buffer, at, "invalid bulk length")? else { return Ok(None) };
        let length = usize::try_from(length).ok().filter(|length| *length <= MAX_BULK);
        let length = length.ok_or("invalid bulk length")?;
        if length > longest {
            return Err("unauthenticated bulk length");
        }
        at = start + length + 2;
        if buffer.len() < at {
            return Ok(None);
        }
        places.push(start..start + length);
    }
    let request = buffer.split_to(at).freeze();
    Ok(Some(places.into_iter().map(|place| request.slice(place)).collect()))
}

/// The number behind the letter at a place, and where its line ends; none if the line has not come yet.
fn number(buffer: &[u8], place: usize, wrong: &'static str) -> Result<Option<(i64, usize)>, &'static str> {
    let line = buffer.get(place + 1..).unwrap_or_default();
    let Some(end) = line.iter().take(LONGEST_NUMBER).position(|byte| *byte == b'\n') else {
        return if line.len() < LONGEST_NUMBER { Ok(None) } else { Err(wrong) };
    };
    let digits = line.get(..end).and_then(|line| line.strip_suffix(b"\r"));
    let number = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    Ok(Some((number.ok_or(wrong)?, place + 1 + end + 1)))
}

fn inline(buffer: &mut BytesMut) -> Result<Option<Request>, &'static str> {
    let Some(end) = buffer.iter().position(|byte| *byte == b'\n') else {
        return if buffer.len() > MAX_INLINE { Err("too big inline request") } else { Ok(None) };
    };
    let line = buffer.split_to(end).freeze();
    buffer.advance(1);
    super::inline::words(&line).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, authenticated: bool) -> Result<Vec<Vec<String>>, &'static str> {
        let mut buffer = BytesMut::from(text);
        let mut requests = Vec::new();
        while let Some(request) = next(&mut buffer, authenticated)? {
            requests.push(request.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect());
        }
        Ok(requests)
    }

    #[test]
    fn arrays_lines_and_pipelines_are_read_and_a_torn_request_waits() {
        let text = "*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\nPING  x\r\n\r\n*0\r\n*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPI";
        assert_eq!(all(text, true).unwrap(), [vec!["ECHO", "hi"], vec!["PING", "x"], vec!["PING"]]);
    }

    #[test]
    fn what_is_no_array_of_texts_is_refused_however_deep_it_is() {
        assert_eq!(all(&"*1\r\n".repeat(100_000), true), Err("expected '$'"));
        assert_eq!(all("*2\r\n$1\r\na\r\n*1\r\n", true), Err("expected '$'"));
        assert_eq!(all("*1\r\n:1\r\n", true), Err("expected '$'"));
        assert_eq!(all("*1\r\n$-1\r\n", true), Err("invalid bulk length"));
        assert_eq!(all("*1\r\n$999999999999\r\n", true), Err("invalid bulk length"));
        for wrong in ["*x\r\n", "*2147483647\r\n", "*99999999999999999999\r\n", "*1\n"] {
            assert_eq!(all(wrong, true), Err("invalid multibulk length"), "{wrong}");
        }
        assert_eq!(all(&format!("*{}", "1".repeat(100)), true), Err("invalid multibulk length"));
        assert!(all("*-1\r\n*2\r\n$1\r\na\r\n$1", true).unwrap().is_empty());
    }

    #[test]
    fn a_stranger_may_not_send_long_arguments() {
        let long = "x".repeat(UNAUTHENTICATED_BULK + 1);
        let text = format!("*1\r\n${}\r\n{long}\r\n", long.len());
        assert_eq!(all(&text, false), Err("unauthenticated bulk length"));
        assert!(all(&text, true).is_ok());
        assert_eq!(all("*11\r\n$4\r\nMSET\r\n", false), Err("unauthenticated multibulk length"));
        // Refused before the argument has come: it is not kept for a client that is not authenticated.
        assert_eq!(all("*2\r\n$4\r\nAUTH\r\n$16385\r\n", false), Err("unauthenticated bulk length"));
    }
}
