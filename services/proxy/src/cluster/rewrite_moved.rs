//! `-MOVED 3999 10.0.0.5:8501` and `-ASK …`: the one line that sends a client elsewhere.

use super::Place;
use crate::wire;
use memchr::memchr;

/// Longer than any of them.
const LONGEST: usize = 1024;

/// What a reply begins with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Redirection<'a> {
    /// No redirection.
    None,
    /// It may be one: more has to come.
    Incomplete,
    /// One, its end included, and the port that it leads to.
    To { line: &'a [u8], port: u16 },
}

/// What this reply is. Anything that only resembles a redirection is none.
pub(crate) fn redirection(rest: &[u8]) -> Redirection<'_> {
    let is_one = |word: &[u8]| rest.get(..word.len()).is_some_and(|start| start == word);
    let may_be = |word: &[u8]| word.starts_with(rest);
    let words: [&[u8]; 2] = [b"-MOVED ", b"-ASK "];
    if !words.iter().any(|word| is_one(word)) {
        let is_open = words.iter().any(|word| may_be(word));
        return if is_open && !rest.is_empty() { Redirection::Incomplete } else { Redirection::None };
    }
    match memchr(b'\n', rest) {
        None if rest.len() < LONGEST => Redirection::Incomplete,
        None => Redirection::None,
        Some(end) => {
            let line = rest.get(..=end).unwrap_or_default();
            port(line).map_or(Redirection::None, |port| Redirection::To { line, port })
        }
    }
}

/// Behind the last colon: addresses have some of their own. The host before it may be empty, or `?`.
fn port(line: &[u8]) -> Option<u16> {
    let (_, place) = split(line)?;
    place.rsplit_once(':')?.1.parse().ok()
}

/// `-MOVED 3999` and `10.0.0.5:8501`.
fn split(line: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(line).ok()?.strip_suffix("\r\n")?;
    let (before, place) = text.rsplit_once(' ')?;
    (before.split(' ').count() == 2).then_some((before, place))
}

/// The same with the local port, or an error that says why there is none.
pub(super) fn rewrite_moved(line: &[u8], port: u16, place: Place<'_>) -> Vec<u8> {
    let Some((before, _)) = split(line) else { return line.to_vec() };
    match place(port) {
        Ok(local) => format!("{before} {}:{}\r\n", local.ip(), local.port()).into_bytes(),
        Err(why) => wire::error(&format!("ERR entrakey proxy: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirections_lead_to_the_local_port_whatever_their_host_is() {
        for (line, expected) in [
            ("-MOVED 3999 10.0.0.5:8501\r\n", "-MOVED 3999 127.0.0.1:18501\r\n"),
            ("-MOVED 3999 :8501\r\n", "-MOVED 3999 127.0.0.1:18501\r\n"),
            ("-MOVED 3999 ?:8501\r\n", "-MOVED 3999 127.0.0.1:18501\r\n"),
            ("-ASK 12182 node-1.example.net:8502\r\n", "-ASK 12182 127.0.0.1:18502\r\n"),
            ("-ASK 0 2001:db8::7:8500\r\n", "-ASK 0 127.0.0.1:18500\r\n"),
        ] {
            let stream = format!("{line}+next\r\n");
            for cut in 1..line.len() {
                assert_eq!(
                    redirection(&line.as_bytes()[..cut]),
                    Redirection::Incomplete,
                    "{line} cut at {cut}"
                );
            }
            let Redirection::To { line: found, port } = redirection(stream.as_bytes()) else {
                panic!("{line}")
            };
            let place = |port| Ok(format!("127.0.0.1:{}", 10_000 + port).parse().unwrap());
            assert_eq!(rewrite_moved(found, port, &place), expected.as_bytes());
            let nowhere = |_| Err("no port is free".to_owned());
            assert_eq!(rewrite_moved(found, port, &nowhere), b"-ERR entrakey proxy: no port is free\r\n");
        }
    }

    #[test]
    fn what_only_resembles_a_redirection_is_none() {
        for line in [
            "",
            "+OK\r\n",
            "-ERR x\r\n",
            "-MOVEDX 1 a:1\r\n",
            "-ASKING 1 a:1\r\n",
            "-MOVED 1\r\n",
            "-MOVED 1 nowhere\r\n",
            "-MOVED 1 a:65536\r\n",
            "-ASK a b c:1\r\n",
            "-MOVED 1 a:1\n",
        ] {
            assert_eq!(redirection(line.as_bytes()), Redirection::None, "{line:?}");
        }
        let endless = format!("-MOVED {}", "1".repeat(LONGEST));
        assert_eq!(redirection(endless.as_bytes()), Redirection::None);
    }
}
