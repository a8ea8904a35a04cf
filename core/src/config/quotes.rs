//! Quotes around a value. They are nearly always a slip: shells take them away, and `docker run --env-file` or a pipeline
//! does not.

/// Whether a text stands in quotes.
pub(super) fn is_quoted(text: &str) -> bool {
    ['"', '\''].iter().any(|quote| text.len() > 1 && text.starts_with(*quote) && text.ends_with(*quote))
}

/// What a message that names the value adds if the value stands in quotes.
pub(super) fn note_on_quotes(text: &str) -> &'static str {
    if is_quoted(text) { ", with quotes that are a part of the value" } else { "" }
}
