//! Where one reply ends and the next begins, and which belong to no request.

use redis_protocol::{resp2, resp3};

/// The length of the first complete reply in the buffer; none if more has to come.
pub(super) fn length(buffer: &[u8], protocol: u8) -> Result<Option<usize>, ()> {
    let found = match protocol {
        3 => resp3::decode::complete::decode_range(buffer).map(|found| found.map(|(_, length)| length)),
        _ => resp2::decode::decode_range(buffer).map(|found| found.map(|(_, length)| length)),
    };
    found.map_err(drop)
}

/// The texts with which an array or a push begins.
pub(super) fn words(reply: &[u8]) -> impl Iterator<Item = &[u8]> {
    let items = reply.strip_prefix(b"*").or_else(|| reply.strip_prefix(b">")).and_then(line);
    let mut rest = items.map(|(_, rest)| rest).unwrap_or_default();
    std::iter::from_fn(move || {
        let (length, after) = line(rest.strip_prefix(b"$")?)?;
        let length: usize = std::str::from_utf8(length).ok()?.parse().ok()?;
        rest = after.get(length + 2..)?;
        after.get(..length)
    })
}

/// A line without its end, and what follows.
fn line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| *byte == b'\r')?;
    Some((text.get(..end)?, text.get(end + 2..)?))
}

/// An array with some of its elements replaced by others; none if it is no array.
pub(super) fn replaced(array: &[u8], protocol: u8, new: &[(usize, Vec<u8>)]) -> Option<Vec<u8>> {
    let (_, mut rest) = line(array.strip_prefix(b"*")?)?;
    let mut out = array.get(..array.len() - rest.len())?.to_vec();
    let mut index = 0;
    while !rest.is_empty() {
        let length = length(rest, protocol).ok()??;
        let replacement = new.iter().find(|(place, _)| *place == index).map(|(_, bytes)| bytes.as_slice());
        out.extend_from_slice(replacement.unwrap_or(rest.get(..length)?));
        rest = rest.get(length..)?;
        index += 1;
    }
    Some(out)
}

/// Whether the server sent it by itself. In RESP2 a message looks like any array: it is one only for who is
/// subscribed.
pub(super) fn is_unasked(reply: &[u8], subscribed: bool) -> bool {
    let message = |word: &[u8]| [&b"message"[..], b"pmessage", b"smessage"].contains(&word);
    match reply.first() {
        Some(b'>') => !words(reply).next().is_some_and(is_confirmation),
        Some(b'*') if subscribed => words(reply).next().is_some_and(message),
        _ => false,
    }
}

/// Whether it confirms that a channel was entered or left.
pub(super) fn is_confirmation(word: &[u8]) -> bool {
    let left = word.strip_prefix(b"un").unwrap_or(word);
    [&b"subscribe"[..], b"psubscribe", b"ssubscribe", b"punsubscribe", b"sunsubscribe"].contains(&left)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
mod tests {
    use super::*;

    #[test]
    fn replies_end_where_they_end() {
        for (reply, protocol) in [
            ("+OK\r\n", 2),
            ("$3\r\na\r\n\r\n", 2),
            ("*2\r\n$1\r\na\r\n:1\r\n", 2),
            ("%1\r\n+a\r\n#t\r\n", 3),
            (">1\r\n+a\r\n", 3),
        ] {
            assert_eq!(
                length(format!("{reply}+next\r\n").as_bytes(), protocol).unwrap(),
                Some(reply.len()),
                "{reply}"
            );
            let torn = reply.get(..reply.len() - 1).unwrap();
            assert_eq!(length(torn.as_bytes(), protocol).unwrap(), None, "{reply}");
        }
        assert!(length(b"nonsense\r\n", 2).is_err());
    }

    #[test]
    fn messages_are_told_from_answers() {
        let message = b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n";
        assert!(is_unasked(message, true) && !is_unasked(message, false));
        assert!(!is_unasked(b"*1\r\n$5\r\nother\r\n", true));
        assert!(is_unasked(b">2\r\n$10\r\ninvalidate\r\n*0\r\n", false));
        assert!(!is_unasked(b">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n", true));
        for word in ["subscribe", "unsubscribe", "psubscribe", "punsubscribe", "ssubscribe", "sunsubscribe"] {
            assert!(is_confirmation(word.as_bytes()), "{word}");
        }
        assert!(!is_confirmation(b"message"));
    }

    #[test]
    fn elements_are_replaced_where_they_stand() {
        let array = b"*3\r\n+OK\r\n*2\r\n:1\r\n:2\r\n-ERR x\r\n";
        let new = [(2, b"+OK\r\n".to_vec()), (0, b":7\r\n".to_vec())];
        assert_eq!(replaced(array, 2, &new).unwrap(), b"*3\r\n:7\r\n*2\r\n:1\r\n:2\r\n+OK\r\n");
        assert_eq!(replaced(b"-EXECABORT x\r\n", 2, &new), None);
        assert_eq!(words(b">2\r\n$1\r\na\r\n$2\r\nbc\r\n").collect::<Vec<_>>(), [&b"a"[..], b"bc"]);
    }
}
