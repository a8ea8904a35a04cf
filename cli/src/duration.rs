//! Times on the command line: `8s`, `5m`, `1h`, or a number of seconds.

use std::time::Duration;

/// Clocks can add that; nobody means more.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// What is said of what is no time.
pub(crate) const NEEDED: &str = "a time is needed: 500ms, 8s, 5m, 1h, or a number of seconds";

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let duration = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => humantime::parse_duration(text).map_err(|_| NEEDED)?,
    };
    if duration > LONGEST {
        return Err("it is longer than a year: is it in the wrong unit? 8s, 5m and 1h are times".to_owned());
    }
    Ok(duration)
}

/// For something that takes time: with 0 it could not be done at all.
pub(crate) fn duration_above_zero(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => {
            Err("it must be more than 0: in no time nobody can be connected. 30s is the default".to_owned())
        }
        duration => Ok(duration),
    }
}
