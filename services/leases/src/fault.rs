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
