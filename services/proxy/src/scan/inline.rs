//! A request as a line of text, as people type it: Redis's quoting (`sdssplitargs`).

use crate::wiped::make_room;

/// The words of a line; none if a quote is not closed, or followed by something else than a space. To Redis the line ends
/// with the first NUL.
pub(crate) fn split_line(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
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
            [b' ' | b'\n' | b'\r' | b'\t', after @ ..] => return Some((word, after)),
            [quote @ (b'"' | b'\''), after @ ..] => {
                rest = quoted(*quote, after, &mut word)?;
                let ends = rest.first().is_none_or(|byte| is_space(*byte));
                return ends.then_some((word, rest));
            }
            [byte, after @ ..] => {
                push(&mut word, *byte);
                rest = after;
            }
        }
    }
}

/// Adds a byte of what may be a password.
fn push(word: &mut Vec<u8>, byte: u8) {
    make_room(word, 1);
    word.push(byte);
}

/// Adds what is quoted to the word; what follows the closing quote.
fn quoted<'a>(quote: u8, text: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    let mut rest = text;
    loop {
        rest = match (quote, rest) {
            (_, []) => return None,
            (_, [byte, after @ ..]) if *byte == quote => return Some(after),
            (b'"', [b'\\', b'x', high, low, after @ ..]) if hex(*high, *low).is_some() => {
                hex(*high, *low).into_iter().for_each(|byte| push(word, byte));
                after
            }
            (b'"', [b'\\', escaped, after @ ..]) => {
                push(word, unescaped(*escaped));
                after
            }
            (b'\'', [b'\\', b'\'', after @ ..]) => {
                push(word, b'\'');
                after
            }
            (_, [byte, after @ ..]) => {
                push(word, *byte);
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
            ("ECHO a\0b c", &["ECHO", "a"]),
            ("\0PING", &[]),
            ("ECHO \x0b a\x0bb", &["ECHO", "a\x0bb"]),
        ] {
            let split = split_line(line.as_bytes()).expect(line);
            assert_eq!(
                split.iter().map(|word| String::from_utf8_lossy(word)).collect::<Vec<_>>(),
                words,
                "{line}"
            );
        }
        for wrong in [r#"ECHO "a"#, "ECHO 'a", r#"ECHO "a"b"#, "ECHO 'a'b", r#"ECHO "a\"#, "ECHO \"a\0\""] {
            assert_eq!(split_line(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
