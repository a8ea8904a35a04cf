//! Where one reply ends and the next begins, and which belong to no request.

use super::channels::Change;

/// How far a reply has been looked through. The libraries' decoders begin anew with each piece that comes, so that a
/// reply of many elements takes time in the square of its length.
#[derive(Clone, Copy)]
pub(super) struct Progress {
    /// Up to here the buffer holds complete frames.
    at: usize,
    /// How many frames are still to come: an aggregate owes its elements, at whatever depth.
    owed: u64,
}

impl Default for Progress {
    fn default() -> Self {
        Self { at: 0, owed: 1 }
    }
}

impl Progress {
    /// The length of the first reply in the buffer once it is complete. Each call goes on where the last one ended,
    /// in the same buffer to which something was added.
    pub(super) fn length(&mut self, buffer: &[u8]) -> Result<Option<usize>, ()> {
        while self.owed > 0 {
            let rest = buffer.get(self.at..).unwrap_or_default();
            let Some((length, elements)) = frame(rest)? else { return Ok(None) };
            self.at += length;
            self.owed = (self.owed - 1).checked_add(elements).ok_or(())?;
        }
        Ok(Some(self.at))
    }
}

/// The length of the first frame, without its elements, and how many of these there are; none if more has to come.
fn frame(buffer: &[u8]) -> Result<Option<(usize, u64)>, ()> {
    let Some(kind) = buffer.first() else { return Ok(None) };
    if !b"+-:_,#($!=*~>%|".contains(kind) {
        return Err(());
    }
    let Some((head, rest)) = line(buffer) else { return Ok(None) };
    let length = buffer.len() - rest.len();
    let number = || match head.get(1..) {
        Some(b"-1") => Ok(None), // RESP2's nulls
        digits => digits
            .and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u32>().ok())
            .map(Some)
            .ok_or(()),
    };
    match kind {
        b'$' | b'!' | b'=' => match number()? {
            None => Ok(Some((length, 0))),
            Some(text) => {
                let whole =
                    usize::try_from(text).ok().and_then(|text| text.checked_add(length + 2)).ok_or(())?;
                Ok((buffer.len() >= whole).then_some((whole, 0)))
            }
        },
        b'*' | b'~' | b'>' => Ok(Some((length, number()?.unwrap_or(0).into()))),
        b'%' => Ok(Some((length, 2 * u64::from(number()?.unwrap_or(0))))),
        b'|' => Ok(Some((length, 2 * u64::from(number()?.unwrap_or(0)) + 1))), // what it describes follows it
        _ => Ok(Some((length, 0))),
    }
}

/// The length of the first complete reply in the buffer; none if more has to come.
fn length(buffer: &[u8]) -> Result<Option<usize>, ()> {
    Progress::default().length(buffer)
}

/// The elements of an array, each as it came; none if it is no array, or a null.
pub(super) fn elements(array: &[u8]) -> Option<impl Iterator<Item = &[u8]>> {
    let (head, mut rest) = line(array.strip_prefix(b"*")?)?;
    (head != b"-1").then(|| {
        std::iter::from_fn(move || {
            let (element, after) = rest.split_at_checked(length(rest).ok()??)?;
            rest = after;
            Some(element)
        })
    })
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
    Some((text.get(..end)?, text.get(end + 2..)?)) // none as well if only half of the line's end has come
}

/// An array with some of its elements replaced by others; none if it is no array.
pub(super) fn replaced(array: &[u8], new: &[(usize, Vec<u8>)]) -> Option<Vec<u8>> {
    let (_, rest) = line(array.strip_prefix(b"*")?)?;
    let mut out = array.get(..array.len() - rest.len())?.to_vec();
    for (index, element) in elements(array)?.enumerate() {
        let replacement = new.iter().find(|(place, _)| *place == index).map(|(_, bytes)| bytes.as_slice());
        out.extend_from_slice(replacement.unwrap_or(element));
    }
    Some(out)
}

/// Whether the server sent it by itself, while the confirmations of this request are awaited. In RESP2 a message looks like
/// any array: it is one only for a client that is subscribed. A server that gives a slot away takes its channels from their
/// subscribers, in the words of a confirmation.
pub(super) fn is_unasked(reply: &[u8], subscribed: bool, awaited: Option<&Change>) -> bool {
    let (kind, name) = kind_and_name(reply);
    let is_awaited = || awaited.is_some_and(|change| change.has_confirmation(kind, name));
    let message = |word: &[u8]| [&b"message"[..], b"pmessage", b"smessage"].contains(&word);
    match reply.first() {
        Some(b'>') => !is_awaited(),
        Some(b'*') if subscribed => message(kind) || (is_confirmation(kind) && !is_awaited()),
        _ => false,
    }
}

/// The first two texts; empty where there are none.
pub(super) fn kind_and_name(reply: &[u8]) -> (&[u8], &[u8]) {
    let mut words = words(reply);
    (words.next().unwrap_or_default(), words.next().unwrap_or_default())
}

/// Whether the reply confirms that a channel was entered or left.
pub(super) fn is_confirmation(word: &[u8]) -> bool {
    let left = word.strip_prefix(b"un").unwrap_or(word);
    [&b"subscribe"[..], b"psubscribe", b"ssubscribe", b"punsubscribe", b"sunsubscribe"].contains(&left)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
mod tests {
    use super::super::channels::Channels;
    use super::*;
    use bytes::Bytes;

    #[test]
    fn replies_end_where_they_end() {
        for reply in [
            "+OK\r\n",
            "$3\r\na\r\n\r\n",
            "$-1\r\n",
            "*-1\r\n",
            "*0\r\n",
            "_\r\n",
            ",1.5\r\n",
            "(123456789012345678901\r\n",
            "=7\r\ntxt:abc\r\n",
            "!5\r\nERR x\r\n",
            "*2\r\n$1\r\na\r\n:1\r\n",
            "*2\r\n*1\r\n:1\r\n~2\r\n:1\r\n$-1\r\n",
            "%1\r\n+a\r\n#t\r\n",
            "|1\r\n+ttl\r\n:3\r\n*1\r\n+a\r\n",
            ">1\r\n+a\r\n",
        ] {
            let whole = format!("{reply}+next\r\n");
            assert_eq!(length(whole.as_bytes()).unwrap(), Some(reply.len()), "{reply}");
            let mut progress = Progress::default();
            for end in 0..reply.len() {
                assert_eq!(progress.length(whole.get(..end).unwrap().as_bytes()).unwrap(), None, "{reply}");
            }
            assert_eq!(progress.length(whole.as_bytes()).unwrap(), Some(reply.len()), "{reply}");
        }
        for wrong in ["nonsense\r\n", "*-2\r\n", "$x\r\n", "*?\r\n", "*1\r\n?\r\n", "$99999999999\r\n"] {
            assert!(length(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_long_reply_is_looked_through_once_however_often_a_piece_of_it_comes() {
        let array = format!("*20000\r\n{}", "$3\r\nabc\r\n".repeat(20_000));
        let (mut progress, mut gone_over) = (Progress::default(), 0);
        for end in (0..array.len()).step_by(16) {
            let before = progress.at;
            assert_eq!(progress.length(array.get(..end).unwrap().as_bytes()).unwrap(), None);
            gone_over += end - before;
        }
        assert!(gone_over < 3 * array.len(), "{gone_over} bytes for {}", array.len());
        assert_eq!(progress.length(array.as_bytes()).unwrap(), Some(array.len()));
    }

    #[test]
    fn messages_are_told_from_answers() {
        let message = b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n";
        assert!(is_unasked(message, true, None) && !is_unasked(message, false, None));
        assert!(!is_unasked(b"*1\r\n$5\r\nother\r\n", true, None));
        assert!(is_unasked(b">2\r\n$10\r\ninvalidate\r\n*0\r\n", false, None));
        for word in ["subscribe", "unsubscribe", "psubscribe", "punsubscribe", "ssubscribe", "sunsubscribe"] {
            assert!(is_confirmation(word.as_bytes()), "{word}");
        }
        assert!(!is_confirmation(b"message"));
    }

    #[test]
    fn a_confirmation_is_an_answer_to_the_request_that_names_its_channel() {
        let change = |words: &[&str]| {
            let words: Vec<_> = words.iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
            Channels::default().change(&words)
        };
        for (reply, request, is_answer) in [
            ("3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n", &["SUBSCRIBE", "b", "c"][..], true),
            ("3\r\n$12\r\nsunsubscribe\r\n$1\r\nc\r\n:0\r\n", &["SUNSUBSCRIBE", "c"], true),
            ("3\r\n$12\r\nsunsubscribe\r\n$1\r\nc\r\n:0\r\n", &["SUNSUBSCRIBE"], true),
            ("3\r\n$12\r\nsunsubscribe\r\n$1\r\nc\r\n:0\r\n", &["SUNSUBSCRIBE", "b"], false),
            ("3\r\n$12\r\nsunsubscribe\r\n$1\r\nc\r\n:0\r\n", &["UNSUBSCRIBE", "c"], false),
            ("3\r\n$12\r\nsunsubscribe\r\n$1\r\nc\r\n:0\r\n", &["AUTH", "user", "token"], false),
        ] {
            let awaited = change(request);
            for kind in [">", "*"] {
                let reply = format!("{kind}{reply}");
                assert_eq!(
                    !is_unasked(reply.as_bytes(), true, awaited.as_ref()),
                    is_answer,
                    "{reply} {request:?}"
                );
            }
        }
    }

    #[test]
    fn elements_are_replaced_where_they_stand() {
        let array = b"*3\r\n+OK\r\n*2\r\n:1\r\n:2\r\n-ERR x\r\n";
        let new = [(2, b"+OK\r\n".to_vec()), (0, b":7\r\n".to_vec())];
        assert_eq!(replaced(array, &new).unwrap(), b"*3\r\n:7\r\n*2\r\n:1\r\n:2\r\n+OK\r\n");
        assert_eq!(replaced(b"-EXECABORT x\r\n", &new), None);
        assert_eq!(words(b">2\r\n$1\r\na\r\n$2\r\nbc\r\n").collect::<Vec<_>>(), [&b"a"[..], b"bc"]);
    }
}
