//! Quotes and blanks around a value. They are nearly always a slip: shells take them away, and `docker run --env-file` or a
//! pipeline does not.

use crate::claims::is_unseen;

/// Whether a text stands in quotes.
pub(super) fn is_quoted(text: &str) -> bool {
    ['"', '\''].iter().any(|quote| text.len() > 1 && text.starts_with(*quote) && text.ends_with(*quote))
}

/// What a message that names the value adds if the value stands in quotes, or in what is not seen.
pub(super) fn note_on_quotes(text: &str) -> &'static str {
    let is_seen = |c: char| c.is_control() || !c.is_whitespace() && !is_unseen(c); // control characters are refused
    match text.chars().next().is_some_and(is_seen) && text.chars().next_back().is_some_and(is_seen) {
        _ if is_quoted(text) => ", with quotes that are a part of the value",
        true => "",
        false => ", with a blank or an unseen character at its beginning or end",
    }
}
