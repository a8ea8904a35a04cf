//! `${NAME}` in a configuration file stands for the value of an environment variable. That value is not expanded again.
//! Values that code sets are not expanded: a secret may contain `${`.

use std::fmt;
use zeroize::Zeroizing;

/// Why a text cannot be expanded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ExpansionError<'t> {
    /// The variable is not set.
    Unset(&'t str),
    /// The expanded text is longer than any value can be.
    TooLong,
    /// What follows `${` is not a name and `}`. The error does not show it, as it may be half a secret.
    NotAName,
}

impl fmt::Display for ExpansionError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset(name) => write!(
                f,
                "the environment variable {name} is not set. (For a literal \"${{\" write \"$${{\".)"
            ),
            Self::TooLong => f.write_str("the value with its variables in it is longer than any value can be."),
            Self::NotAName => f.write_str(
                "\"${\" must be followed by the name of an environment variable and \"}\". (For a literal \"${\" write \
                 \"$${\".)",
            ),
        }
    }
}

/// The longest value is a certificate with its chain and key. The limit is for the expanded text: a file that names a
/// variable of 100 kB in every line would grow to gigabytes.
const MAX_BYTES: usize = 64 * 1024;

/// The text with variables in place of their names, and `${` for `$${`. Any other `$` stays.
pub(super) fn expand(
    text: &str,
    variable: impl Fn(&str) -> Option<Zeroizing<String>>,
) -> Result<Zeroizing<String>, ExpansionError<'_>> {
    let mut expanded = Zeroizing::new(String::with_capacity(text.len().min(MAX_BYTES)));
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        push(&mut expanded, &rest[..at])?;
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("$${") {
            push(&mut expanded, "${")?;
            rest = after;
        } else if rest.starts_with("${") {
            let (name, after) = leading_name(rest).ok_or(ExpansionError::NotAName)?;
            push(&mut expanded, &variable(name).ok_or(ExpansionError::Unset(name))?)?;
            rest = after;
        } else {
            push(&mut expanded, "$")?;
            rest = &rest[1..];
        }
    }
    push(&mut expanded, rest)?;
    Ok(expanded)
}

fn push<'t>(expanded: &mut String, text: &str) -> Result<(), ExpansionError<'t>> {
    if expanded.len() + text.len() > MAX_BYTES {
        return Err(ExpansionError::TooLong);
    }
    expanded.push_str(text);
    Ok(())
}

/// The name, if the text is one variable and nothing else.
pub(super) fn only_name(text: &str) -> Option<&str> {
    leading_name(text.trim()).filter(|(_, rest)| rest.is_empty()).map(|(name, _)| name)
}

/// `${NAME}` at the start: the name, and the text after it.
fn leading_name(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.strip_prefix("${")?.split_once('}')?;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_name =
        !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(fits);
    is_name.then_some((name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> Result<String, ExpansionError<'_>> {
        let variable = |name: &str| {
            let value = match name {
                "A" => "alpha",
                "TRICK" => "${A}$${A}",
                _ => return None,
            };
            Some(Zeroizing::new(value.to_owned()))
        };
        expand(text, variable).map(|text| text.to_string())
    }

    #[test]
    fn names_in_braces_and_nothing_else() {
        for (text, meant) in [
            ("${A}", "alpha"),
            ("x${A}y${A}", "xalphayalpha"),
            ("$A $5 $ 5$", "$A $5 $ 5$"),
            ("$${A}", "${A}"),
            ("$$${A}", "$${A}"),
            ("$$", "$$"),
            ("ä${A}ö", "äalphaö"),
            ("", ""),
        ] {
            assert_eq!(expanded(text).as_deref(), Ok(meant), "{text}");
        }
    }

    #[test]
    fn the_limit_holds_for_what_comes_out() {
        let (long, asked) = ("x".repeat(1000), std::cell::Cell::new(0));
        let variable = |_: &str| {
            asked.set(asked.get() + 1);
            Some(Zeroizing::new(long.clone()))
        };
        assert_eq!(
            expand(&"${A}".repeat(100_000), variable).map(|text| text.len()),
            Err(ExpansionError::TooLong)
        );
        assert_eq!(asked.get(), MAX_BYTES / 1000 + 1, "and what goes beyond it is not looked for");
        assert_eq!(expanded(&"y".repeat(MAX_BYTES + 1)), Err(ExpansionError::TooLong));
        assert_eq!(expanded(&"y".repeat(MAX_BYTES)).map(|text| text.len()), Ok(MAX_BYTES));
        for (piece, length) in [("$", 1), ("$${", 2)] {
            let (most, full) = (MAX_BYTES / length, "y".repeat(MAX_BYTES % length));
            assert_eq!(
                expanded(&piece.repeat(most)).map(|text| text.len()),
                Ok(MAX_BYTES - full.len()),
                "{piece}"
            );
            // Told before what follows is looked at, which is not well-formed.
            let beyond = format!("{}${{", piece.repeat(most + 1));
            assert_eq!(expanded(&beyond), Err(ExpansionError::TooLong), "{piece}");
        }
    }

    #[test]
    fn what_a_variable_holds_is_not_expanded() {
        assert_eq!(expanded("${TRICK}").as_deref(), Ok("${A}$${A}"));
    }

    #[test]
    fn what_is_no_name_or_not_set_is_refused() {
        assert_eq!(expanded("x ${NOT_THERE} y"), Err(ExpansionError::Unset("NOT_THERE")));
        for text in ["${", "${}", "${A", "${A B}", "${1A}", "${A:-x}", "a${ä}"] {
            assert_eq!(expanded(text), Err(ExpansionError::NotAName), "{text}");
        }
    }

    #[test]
    fn a_variable_and_nothing_else() {
        assert_eq!(only_name(" ${A} "), Some("A"));
        for text in ["${A}x", "x${A}", "$${A}", "$A", "", "${A}${A}"] {
            assert_eq!(only_name(text), None, "{text}");
        }
    }
}
