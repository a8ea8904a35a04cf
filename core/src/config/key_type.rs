//! What values a key takes.

use super::quotes::is_quoted;
use crate::claims::is_unseen;
use KeyType::{Boolean, Certificate, Choice, Fraction, Milliseconds, Pem, Secret, Text};

/// The type of a key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyType {
    /// Any text.
    Text,
    /// Text that never appears in a message.
    Secret,
    /// A secret of several lines: a private key in PEM.
    Pem,
    /// A secret: a certificate in PEM, perhaps with its key, or a PFX in base64.
    Certificate,
    /// Whole milliseconds, and the least of them that make sense.
    Milliseconds(u32),
    /// A number from 0 to 1.
    Fraction,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// `true` or `false`; 1 and 0 mean the same.
    Boolean,
}

impl KeyType {
    /// Whether a value must not be shown.
    pub(super) fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::Pem | Self::Certificate)
    }

    /// Whether a key of this type takes the value. The reason against it shows nothing of the value.
    pub(super) fn check(self, value: &str) -> Result<(), String> {
        match self {
            Secret | Pem | Certificate => {} // a password may begin and end as it likes
            _ if is_quoted(value) => {
                return Err("the value stands in quotes that are a part of it: leave them out".to_owned());
            }
            _ => {}
        }
        match self {
            Text | Secret if value.trim().is_empty() => Err("the value is blank".to_owned()),
            Text | Secret if value.chars().any(char::is_control) => {
                Err("the value contains a control character (a line break at its end?)".to_owned())
            }
            Text if value.trim() != value => Err("the value begins or ends with a space".to_owned()),
            Text if value.chars().any(is_unseen) => {
                Err("the value contains a character that is not seen, as copied from a page or a document: type it anew"
                    .to_owned())
            }
            Text | Secret => Ok(()),
            Pem if value.contains("-----BEGIN ") => Ok(()),
            Pem => Err("a text in PEM is needed (-----BEGIN ...)".to_owned()),
            Certificate if value.contains("-----BEGIN ") || is_base64(value) => Ok(()),
            Certificate => Err("a text in PEM (-----BEGIN ...) or a PFX in base64 is needed".to_owned()),
            Milliseconds(least) => match value.parse::<u32>() {
                Ok(number) if number >= least => Ok(()),
                _ => Err(format!("a whole number of milliseconds is needed, {least} or more")),
            },
            Fraction => match value.parse::<f64>() {
                Ok(number) if (0.0..=1.0).contains(&number) => Ok(()),
                _ => Err("a number from 0 to 1 is needed".to_owned()),
            },
            Choice(words) if words.contains(&value) => Ok(()),
            Choice(words) => Err(format!("one of {} is needed", words.join(", "))),
            Boolean => boolean(value).map(|_| ()).ok_or_else(|| "true or false is needed".to_owned()),
        }
    }
}

/// Whether a text holds base64 and nothing else, in one line or several. Whether it decodes is seen when it is used.
fn is_base64(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c) || c.is_ascii_whitespace();
    let text = text.trim_start_matches('\u{feff}');
    !text.trim().is_empty() && text.chars().all(fits)
}

/// What a value of a Boolean key means.
pub(super) fn boolean(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_out_of_range_are_refused() {
        assert!(Fraction.check("1.1").is_err());
        assert!(Fraction.check("NaN").is_err());
        assert!(Milliseconds(1).check("0").is_err());
        assert!(Milliseconds(1).check("1").is_ok());
        assert!(Milliseconds(1).check("-5").is_err());
        assert!(Milliseconds(1).check("1e3").is_err());
    }

    #[test]
    fn a_blank_at_the_end_of_an_id_and_a_line_break_in_a_secret_are_refused() {
        assert!(Secret.check("with a newline\n").is_err());
        assert!(Text.check("copied with a space ").is_err());
        for unseen in ["\u{feff}id", "i\u{200b}d", "\u{200e}id", "i\u{202e}d"] {
            assert!(Text.check(unseen).is_err(), "{unseen:?}");
            assert!(Secret.check(unseen).is_ok(), "{unseen:?}: it is tried, and told when it is refused");
        }
    }

    #[test]
    fn a_boolean_is_true_or_false_or_their_digits() {
        for (value, meaning) in [("true", true), ("1", true), ("false", false), ("0", false)] {
            assert_eq!((Boolean.check(value), boolean(value)), (Ok(()), Some(meaning)));
        }
        for value in ["", "yes", "on", "2", " true"] {
            assert!(Boolean.check(value).is_err(), "{value}");
        }
    }
}
