//! Times on the command line: `8s`, `5m`, `1h`, or a number of seconds.

use std::time::Duration;

/// Clocks can add that; nobody means more.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let duration = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => humantime::parse_duration(text).map_err(|error| error.to_string())?,
    };
    if duration > LONGEST {
        return Err("it is longer than a year: is it in the wrong unit? 8s, 5m and 1h are times".to_owned());
    }
    Ok(duration)
}
