//! A request as a line of text, as people type it: Redis's quoting (`sdssplitargs`).

/// The words of a line; none if a quote is not closed, or followed by something else than a space.
pub(crate) fn split_line(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut rest = line.trim_ascii_start_redis();
    let mut words = Vec::new();
    while !rest.is_empty() {
        let (word, after) = word(rest)?;
        words.push(word);
        rest = after.trim_ascii_start_redis();
    }
    Some(words)
}

/// The first word of what begins with no space, and what follows.
fn word(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut word = Vec::new();
    let mut rest = text;
    loop {
        match rest {
            [] => return Some((word, rest)),
            [byte, after @ ..] if is_space(*byte) || *byte == 0 => return Some((word, after)),
            [quote @ (b'"' | b'\''), after @ ..] => {
                rest = quoted(*quote, after, &mut word)?;
                let ends = rest.first().is_none_or(|byte| is_space(*byte));
                return ends.then_some((word, rest));
            }
            [byte, after @ ..] => {
                word.push(*byte);
                rest = after;
            }
        }
    }
}

/// Adds what is quoted to the word; what follows the closing quote.
fn quoted<'a>(quote: u8, text: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    let mut rest = text;
    loop {
        rest = match (quote, rest) {
            (_, []) => return None,
            (_, [byte, after @ ..]) if *byte == quote => return Some(after),
            (b'"', [b'\\', b'x', high, low, after @ ..]) if hex(*high, *low).is_some() => {
                word.extend(hex(*high, *low));
                after
            }
            (b'"', [b'\\', escaped, after @ ..]) => {
                word.push(unescaped(*escaped));
                after
            }
            (b'\'', [b'\\', b'\'', after @ ..]) => {
                word.push(b'\'');
                after
            }
            (_, [byte, after @ ..]) => {
                word.push(*byte);
                after
            }
        };
    }
}

fn unescaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b // C's isspace
}

trait TrimStart {
    fn trim_ascii_start_redis(&self) -> &[u8];
}

impl TrimStart for [u8] {
    fn trim_ascii_start_redis(&self) -> &[u8] {
        let start = self.iter().position(|byte| !is_space(*byte)).unwrap_or(self.len());
        self.get(start..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What redis-server 7.0.15 echoes.
    #[test]
    fn a_line_is_split_as_redis_splits_it() {
        for (line, words) in [
            ("", &[][..]),
            ("  \t ", &[]),
            ("PING", &["PING"]),
            ("  set  a b ", &["set", "a", "b"]),
            (r#"ECHO "a b\r\n\x41\"""#, &["ECHO", "a b\r\nA\""]),
            (r"ECHO 'it\'s \n'", &["ECHO", r"it's \n"]),
            (r#"ECHO "" x"#, &["ECHO", "", "x"]),
            (r#"a"b""#, &["ab"]),
        ] {
            let split = split_line(line.as_bytes()).expect(line);
            assert_eq!(
                split.iter().map(|word| String::from_utf8_lossy(word)).collect::<Vec<_>>(),
                words,
                "{line}"
            );
        }
        for wrong in [r#"ECHO "a"#, "ECHO 'a", r#"ECHO "a"b"#, "ECHO 'a'b", r#"ECHO "a\"#] {
            assert_eq!(split_line(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
