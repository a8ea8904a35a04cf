//! An idle provider: one thread of ours, which sleeps.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use entrakey_core::{Config, Provider};
use entrakey_tests::Emulator;
use std::fs;
use std::time::{Duration, Instant};

/// Name and number of wake-ups of each of our threads.
fn threads() -> Vec<(String, u64)> {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    let thread = |path: std::path::PathBuf| {
        let name = fs::read_to_string(path.join("comm")).ok()?.trim().to_owned();
        let status = fs::read_to_string(path.join("status")).ok()?;
        let switches = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        Some((name, switches.trim().parse().ok()?))
    };
    tasks.filter_map(|task| thread(task.path())).filter(|(name, _)| name.starts_with("entrakey")).collect()
}

#[test]
fn while_idle_there_is_one_sleeping_thread_and_after_close_none() {
    let emulator = Emulator::start("1h");
    let mut config = Config::new();
    config.set("identity", "managed_identity").unwrap();
    config.set("imds_endpoint", emulator.get("AZURE_POD_IDENTITY_AUTHORITY_HOST")).unwrap();
    config.set("refresh_jitter", "0").unwrap(); // the first refresh comes after 42 minutes
    assert_eq!(threads(), [], "none before it is needed");
    let provider = Provider::new(&config).unwrap();
    let _subscription = provider.subscribe(|_| ()).unwrap();
    provider.get_token().unwrap();
    wait_for_threads(1);
    let before = threads();
    assert_eq!(before.first().map(|(name, _)| name.as_str()), Some("entrakey-timer"));
    std::thread::sleep(Duration::from_secs(2));
    let woken =
        threads().first().map_or(0, |(_, switches)| *switches) - before.first().map_or(0, |(_, s)| *s);
    assert!(woken <= 1, "{woken} wake-ups in 2 s; one each 30 s is meant, to see a suspend");
    provider.close();
    wait_for_threads(0);
}

fn wait_for_threads(count: usize) {
    let start = Instant::now();
    while threads().len() != count {
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", threads());
        std::thread::sleep(Duration::from_millis(10));
    }
}
