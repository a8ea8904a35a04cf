//! Requests: arrays of bulk strings, or a line of words as a person types them.

use bytes::{Buf as _, Bytes, BytesMut};
use redis_protocol::resp2::decode::decode_bytes_mut;
use redis_protocol::resp2::types::BytesFrame;

/// Redis takes no longer argument from somebody who is not authenticated.
const UNAUTHENTICATED_BULK: usize = 16_384;
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

fn array(buffer: &mut BytesMut, authenticated: bool) -> Result<Option<Request>, &'static str> {
    if !authenticated && buffer.len() > 2 * UNAUTHENTICATED_BULK {
        return Err("unauthenticated bulk length");
    }
    let decoded = decode_bytes_mut(buffer).map_err(|_| "invalid multibulk length")?;
    let Some((frame, ..)) = decoded else { return Ok(None) };
    let BytesFrame::Array(items) = frame else { return Err("expected an array") };
    let words: Option<Request> = items
        .into_iter()
        .map(|item| match item {
            BytesFrame::BulkString(data) => Some(data),
            _ => None,
        })
        .collect();
    let words = words.ok_or("expected '$'")?;
    if !authenticated && words.iter().any(|word| word.len() > UNAUTHENTICATED_BULK) {
        return Err("unauthenticated bulk length");
    }
    Ok(Some(words))
}

fn inline(buffer: &mut BytesMut) -> Result<Option<Request>, &'static str> {
    let Some(end) = buffer.iter().position(|byte| *byte == b'\n') else {
        return if buffer.len() > MAX_INLINE { Err("too big inline request") } else { Ok(None) };
    };
    let line = buffer.split_to(end).freeze();
    buffer.advance(1);
    let words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    Ok(Some(words.map(|word| line.slice_ref(word)).collect()))
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
    fn a_stranger_may_not_send_long_arguments() {
        let long = "x".repeat(UNAUTHENTICATED_BULK + 1);
        let text = format!("*1\r\n${}\r\n{long}\r\n", long.len());
        assert_eq!(all(&text, false), Err("unauthenticated bulk length"));
        assert!(all(&text, true).is_ok());
    }
}
