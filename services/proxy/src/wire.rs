//! Requests and replies of our own making.

/// A request, in one allocation: no copy of a token is left behind by a buffer that grew.
pub(crate) fn request<W: AsRef<[u8]>>(words: &[W]) -> Vec<u8> {
    let length = words.iter().map(|word| word.as_ref().len() + 32).sum::<usize>() + 32;
    let mut out = Vec::with_capacity(length);
    out.extend(format!("*{}\r\n", words.len()).bytes());
    for word in words {
        out.extend(format!("${}\r\n", word.as_ref().len()).bytes());
        out.extend_from_slice(word.as_ref());
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// An error reply of one line.
pub(crate) fn error(text: &str) -> Vec<u8> {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("-{line}\r\n").into_bytes()
}

/// The text of an error reply, if this is one.
pub(crate) fn error_text(reply: &[u8]) -> Option<String> {
    let line = reply.strip_prefix(b"-")?;
    Some(String::from_utf8_lossy(line).trim_end().to_owned())
}

/// The content of a text reply.
pub(crate) fn text(reply: &[u8]) -> Option<&[u8]> {
    let end = memchr::memchr(b'\n', reply.strip_prefix(b"$")?)?;
    reply.get(end + 2..reply.len().checked_sub(2)?)
}

/// The value of an integer reply.
pub(crate) fn integer(reply: &[u8]) -> Option<u64> {
    std::str::from_utf8(reply.strip_prefix(b":")?).ok()?.trim_end().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_replies_are_written_and_read() {
        assert_eq!(request(&["ECHO", "a\r\nb"]), b"*2\r\n$4\r\nECHO\r\n$4\r\na\r\nb\r\n");
        assert_eq!(error("ERR two\r\nlines"), b"-ERR two  lines\r\n");
        assert_eq!(error_text(b"-ERR x\r\n").as_deref(), Some("ERR x"));
        assert_eq!(
            (text(b"$3\r\nabc\r\n"), text(b"$0\r\n\r\n"), text(b"+OK\r\n")),
            (Some(&b"abc"[..]), Some(&b""[..]), None)
        );
        assert_eq!((integer(b":17\r\n"), integer(b":x\r\n"), integer(b"+1\r\n")), (Some(17), None, None));
    }
}
