//! How long a lease lives, as it is written.

use entrakey_service::{Table, take_text};
use std::time::Duration;

/// Infisical's limit, and more than any credential should live.
const MOST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// `1h30m`, `1d`, or a number of seconds. Whole seconds, at least one, ten years at most.
///
/// # Errors
/// What is wrong with it, and what is right.
pub fn parse_ttl(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let parsed = match text.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) if text.bytes().all(|byte| byte.is_ascii_digit()) => None, // more seconds than a number holds
        Err(_) => humantime::parse_duration(text).ok(),
    };
    let shown: String = text.chars().take(40).collect();
    let ttl = parsed
        .ok_or_else(|| format!("\"{shown}\" is no time: write 1h30m, 1d, or a whole number of seconds."))?;
    match ttl {
        ttl if ttl.subsec_nanos() != 0 || ttl.is_zero() => {
            Err(format!("\"{shown}\": a lease lives for whole seconds, one at least."))
        }
        ttl if ttl > MOST => Err(format!("\"{shown}\" is more than ten years, which is the most.")),
        ttl => Ok(ttl),
    }
}

/// A time, gone from the table.
pub(crate) fn take_time(table: &mut Table, name: &str) -> Result<Option<Duration>, String> {
    let text = take_text(table, name)?;
    let time = text.map(|text| parse_ttl(&text)).transpose();
    time.map_err(|what| format!("{name}: {}", what.trim_end_matches('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_people_write_them_and_as_numbers() {
        for (text, seconds) in [
            ("90", 90),
            ("1h30m", 5400),
            ("1d", 86_400),
            ("30m", 1800),
            (" 1h ", 3600),
            ("315360000", 315_360_000),
        ] {
            assert_eq!(parse_ttl(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn nothing_that_is_zero_broken_or_endless_is_a_time() {
        for text in [
            "",
            "0",
            "0s",
            "-5",
            "1.5",
            "500ms",
            "1h1ms",
            "h",
            "1 fortnight",
            "315360001",
            "11y",
            "99999999999999999999",
            "18446744073709551615",
            "18446744073709551615d",
            "∞",
        ] {
            assert!(parse_ttl(text).is_err(), "{text}");
        }
    }
}
