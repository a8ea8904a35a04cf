//! Points at which a test kills this process. Nothing of it is in a release.

/// Ends the process here as `kill -9` does, if the test wants it (`ENTRAKEY_TEST_KILL_AT`).
#[cfg(debug_assertions)]
pub(crate) fn point(name: &str) {
    if std::env::var("ENTRAKEY_TEST_KILL_AT").is_ok_and(|wanted| wanted == name) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

#[cfg(not(debug_assertions))]
pub(crate) fn point(_name: &str) {}

/// For how long something is claimed, in milliseconds: a test does not wait for minutes (`ENTRAKEY_TEST_CLAIM_MS`).
#[cfg(debug_assertions)]
pub(crate) fn claim_ms(as_ever: i64) -> i64 {
    std::env::var("ENTRAKEY_TEST_CLAIM_MS").ok().and_then(|given| given.parse().ok()).unwrap_or(as_ever)
}

#[cfg(not(debug_assertions))]
pub(crate) fn claim_ms(as_ever: i64) -> i64 {
    as_ever
}
