//! The script under which everything here is tested.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use entrakey_core::{KEYS, VARIABLES};
use entrakey_tests::root;
use std::process::Command;

#[test]
fn tests_inherit_nothing_that_a_developers_shell_says_of_identities_proxies_or_certificates() {
    let of_keys = KEYS.iter().flat_map(|key| [key.variable(), key.azure_variable.to_owned()]);
    let others = VARIABLES.iter().map(|variable| variable.name.to_owned());
    let mut script = Command::new("sh");
    script.arg(root().join("scripts/offline.sh")).arg("env");
    for name in of_keys.chain(others).filter(|name| !name.is_empty()) {
        script.env(name, "http://a-developers-own");
    }
    let done = script.env("PLAIN", "kept").output().unwrap();
    let environment = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success() && environment.contains("PLAIN=kept"), "{environment}");
    for line in environment.lines() {
        assert!(!line.contains("a-developers-own"), "{line}");
    }
    assert!(environment.contains("NO_PROXY=127.0.0.1,localhost"), "{environment}");
}
