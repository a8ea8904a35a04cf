//! Requests to a service of this machine that may have been started a moment ago.

use std::io::ErrorKind;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A service listens within that.
const UNTIL_OPEN: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

/// Sends it again while nobody listens yet: `entrakey agent run & eval "$(entrakey agent env)"` is what people type.
pub(crate) fn until_open<T>(mut send: impl FnMut() -> Result<T, ureq::Error>) -> Result<T, ureq::Error> {
    let last = Instant::now() + UNTIL_OPEN;
    loop {
        match send() {
            Err(ureq::Error::Io(error)) if is_closed(error.kind()) && Instant::now() < last => sleep(PAUSE),
            outcome => return outcome,
        }
    }
}

/// Nothing was sent then.
fn is_closed(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::ConnectionRefused)
}
