//! What a tool prints: its answer, with colours, warnings and progress around it.

use serde_json::{Deserializer, Value};

/// The text without the sequences that colour it, move the cursor or set a title (ECMA-48).
pub(super) fn strip_escapes(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text.chars().peekable());
    while let Some(c) = rest.next() {
        if c != '\u{1b}' {
            plain.push(c);
            continue;
        }
        match rest.next() {
            // A control sequence ends with a letter or one of `@[\]^_`{|}~`.
            Some('[') => while rest.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
            // A command ends with a bell, or with ESC and a backslash.
            Some(']') => while rest.next_if(|c| *c != '\u{1b}').is_some_and(|c| c != '\u{7}') {},
            _ => {}
        }
    }
    plain
}

/// The text with what azd packs into JSON, a line for each message, unpacked.
pub(super) fn unpack_messages(text: &str) -> String {
    let message = |line: &str| {
        let json: Option<Value> = serde_json::from_str(line).ok();
        json.and_then(|json| json["data"]["message"].as_str().map(|message| message.trim().to_owned()))
    };
    let lines = text.lines().map(|line| message(line).unwrap_or_else(|| line.to_owned()));
    lines.collect::<Vec<_>>().join("\n")
}

/// The JSON object with the field `wanted`, whatever stands before and after it. If there are several, the last one: an
/// answer comes after the messages about it.
pub(super) fn find_object<'a>(text: &'a str, wanted: &str) -> Option<&'a str> {
    let (mut found, mut from) = (None, 0);
    while let Some(start) = text.get(from..).and_then(|rest| rest.find('{')).map(|at| from + at) {
        let rest = text.get(start..)?;
        let mut objects = Deserializer::from_str(rest).into_iter::<Value>();
        match objects.next() {
            Some(Ok(object)) => {
                let end = objects.byte_offset();
                if object.get(wanted).is_some() {
                    found = rest.get(..end);
                }
                from = start + end;
            }
            _ => from = start + 1,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_titles_are_no_part_of_a_text() {
        assert_eq!(strip_escapes(b"\x1b[1;31mERROR\x1b[0m: \x1b[Kno\x1b]0;az\x07 login"), "ERROR: no login");
        assert_eq!(strip_escapes(b"a\x1b]8;;https://aka.ms\x1b\\b\x1b[?25hc"), "abc");
        assert_eq!(strip_escapes(b"\xff{}\x1b"), "\u{fffd}{}");
    }

    #[test]
    fn an_answer_is_found_among_what_is_said_about_it() {
        let answer = r#"{"accessToken": "t {", "more": {"a": [1]}}"#;
        let found = |text: &str| find_object(text, "accessToken").map(str::to_owned);
        for text in [
            answer.to_owned(),
            format!("WARNING: {{odd}} braces {{\n{answer}\nDone."),
            format!("\u{feff}{{\"type\":\"consoleMessage\",\"data\":{{}}}}\n{answer}\n{{\"type\":\"x\"}}"),
        ] {
            assert_eq!(found(&text).as_deref(), Some(answer), "{text}");
        }
        assert_eq!(found("{\"accessToken\": \"cut"), None);
        assert_eq!(found("\"accessToken\""), None);
        assert_eq!(found(&"{".repeat(100_000)), None);
    }
}
