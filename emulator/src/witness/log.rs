//! One line to standard error for each thing that happens, if wanted. Callers pass no secrets.

use std::fmt;
use std::io::Write as _;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Log {
    verbose: bool,
}

impl Log {
    pub(crate) fn new(verbose: bool) -> Self {
        Self { verbose }
    }

    pub(crate) fn note(&self, what: fmt::Arguments<'_>) {
        if self.verbose {
            // eprintln! would panic when standard error is closed; this goes on.
            let _ = writeln!(std::io::stderr(), "emulator: {}", one_line(&what.to_string()));
        }
    }
}

/// The text with everything escaped that could begin another line or hide a part of this one: subjects, names and
/// messages come from outside.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' => line.push_str("\\\\"), // or an escape could be forged in turn
            letter if letter.is_control() || is_directive(letter) => line.extend(letter.escape_default()),
            letter => line.push(letter),
        }
    }
    line
}

/// Line separators, marks of direction and letters without a width.
fn is_directive(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn no_text_from_outside_begins_another_line() {
        assert_eq!(one_line("token for a\r\nemulator: AUTH ok"), r"token for a\r\nemulator: AUTH ok");
        assert_eq!(one_line("a\u{1b}[2K\u{85}\u{2028}\u{202e}b"), r"a\u{1b}[2K\u{85}\u{2028}\u{202e}b");
        assert_eq!(one_line(r"a\nb"), r"a\\nb");
        assert_eq!(one_line("repo:örg/app:ref:refs/heads/main"), "repo:örg/app:ref:refs/heads/main");
    }
}
