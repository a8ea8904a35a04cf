//! Words for a POSIX shell.

/// In quotes, whatever it is.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// As one word: in quotes if a shell would see more in it. What comes from a server may be anything.
pub(crate) fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => quoted(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one_word() {
        for (text, written) in [
            ("orders-1.x/y", "orders-1.x/y"),
            ("my-rg(prod)", "'my-rg(prod)'"),
            ("x;touch y", "'x;touch y'"),
            ("it's", r"'it'\''s'"),
            ("$(id)", "'$(id)'"),
            ("", "''"),
        ] {
            assert_eq!(word(text), written);
        }
    }
}
