//! Writing. Neither fails because nobody reads.

use entrakey_core::is_unseen;
use std::fmt::Display;
use std::io::{self, Write};

/// Without what is no character: controls, and what turns the text around. For what others have a say in.
pub(crate) fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_unseen(c) { '?' } else { c }).collect()
}

/// To standard output, as it is. A reader that has had enough (`| head`) is no error.
///
/// # Errors
/// The disk is full, for instance.
pub(crate) fn print(text: impl Display) -> io::Result<()> {
    match deliver(text) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

/// The same for what must not be lost: nobody who reads it is an error too.
///
/// # Errors
/// The disk is full, for instance, or the reader is gone.
pub(crate) fn deliver(text: impl Display) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) => Err(io::Error::new(
            error.kind(),
            format!(
                "Standard output cannot be written to: {error}: free some space there, or write elsewhere."
            ),
        )),
        Ok(()) => Ok(()),
    }
}

/// A line to standard error.
pub(crate) fn say(text: impl Display) {
    let mut out = anstream::stderr().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush()); // nobody may look
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_character_is_shown_as_a_question_mark() {
        assert_eq!(visible("a\nb\u{202e}c\u{ad}d\u{e0041}é"), "a?b?c?d?é");
    }
}
