//! The words of a line as a person types it, quoted as Redis's `sdssplitargs` takes them.

use bytes::Bytes;

/// The words; an error if quotes are unbalanced, or something follows a closing one at once.
pub(super) fn words(line: &[u8]) -> Result<Vec<Bytes>, &'static str> {
    let mut words = Vec::new();
    let mut rest = line.trim_ascii_start();
    while !rest.is_empty() {
        let (word, after) = word(rest)?;
        words.push(word.into());
        rest = after.trim_ascii_start();
    }
    Ok(words)
}

/// The first word, and what comes after it. Quotes may begin inside a word.
fn word(mut rest: &[u8]) -> Result<(Vec<u8>, &[u8]), &'static str> {
    let mut word = Vec::new();
    loop {
        match rest {
            [] => return Ok((word, rest)),
            [blank, ..] if blank.is_ascii_whitespace() => return Ok((word, rest)),
            [quote @ (b'"' | b'\''), inside @ ..] => return quoted(word, *quote, inside),
            [byte, after @ ..] => {
                word.push(*byte);
                rest = after;
            }
        }
    }
}

fn quoted(mut word: Vec<u8>, quote: u8, mut rest: &[u8]) -> Result<(Vec<u8>, &[u8]), &'static str> {
    loop {
        let (byte, after) = match (quote, rest) {
            (_, []) => return Err("unbalanced quotes in request"),
            (_, [byte, after @ ..]) if *byte == quote => {
                let ends = after.first().is_none_or(u8::is_ascii_whitespace);
                return if ends { Ok((word, after)) } else { Err("unbalanced quotes in request") };
            }
            (b'"', [b'\\', b'x', high, low, after @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                (hexadecimal(*high) * 16 + hexadecimal(*low), after)
            }
            (b'"', [b'\\', byte, after @ ..]) => (escaped(*byte), after),
            (b'\'', [b'\\', b'\'', after @ ..]) => (b'\'', after),
            (_, [byte, after @ ..]) => (*byte, after),
        };
        word.push(byte);
        rest = after;
    }
}

fn hexadecimal(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

fn escaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'a' => 7,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What redis-server 7.0 answered to ECHO of each.
    #[test]
    fn lines_are_split_as_redis_splits_them() {
        for (line, expected) in [
            (r#"  set a "x y"  "#, &["set", "a", "x y"][..]),
            (r#""GET" a"#, &["GET", "a"]),
            (r#"a"b c" 'd\'e' '' """#, &["ab c", "d'e", "", ""]),
            (r#""\x41\x4g\n\"\q" '\n'"#, &["Ax4g\n\"q", "\\n"]),
            ("\t \r", &[]),
        ] {
            assert_eq!(words(line.as_bytes()).unwrap(), expected, "{line}");
        }
        for line in [r#"a "b"#, "'", r#""a"b"#, r"'a\'", r#"a "b\"#] {
            assert_eq!(words(line.as_bytes()), Err("unbalanced quotes in request"), "{line}");
        }
    }
}
