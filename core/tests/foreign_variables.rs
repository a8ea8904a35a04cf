//! `tests/foreign-variables.txt` names what the tests of every language take out of a developer's environment: all that the
//! library reads, and nothing else.
//!
//! The packages for Python, Node.js and Go bring the list along, for those who test with the emulator; no package takes a file
//! from outside its folder. `ENTRAKEY_UPDATE=1 cargo test -p entrakey-core` copies it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use entrakey_core::{KEYS, VARIABLES};
use std::path::PathBuf;

const COPIES: [&str; 3] = [
    "bindings/python/python/entrakey/foreign-variables.txt",
    "bindings/node/lib/foreign-variables.txt",
    "bindings/go/entrakey/emulator/foreign-variables.txt",
];

fn file(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn list() -> String {
    std::fs::read_to_string(file("tests/foreign-variables.txt")).unwrap()
}

/// Whether a line of the list means the variable.
fn means(line: &str, name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    line.strip_suffix('*').map_or(line == name, |beginning| name.starts_with(beginning))
}

#[test]
fn every_variable_that_is_read_is_foreign_to_a_test_and_no_other() {
    let of_keys = KEYS.iter().flat_map(|key| [key.variable(), key.azure_variable.to_owned()]);
    let others = VARIABLES.iter().map(|variable| variable.name.to_owned());
    let is_kept = |name: &String| name.is_empty() || name.eq_ignore_ascii_case("NO_PROXY");
    let names: Vec<String> = of_keys.chain(others).filter(|name| !is_kept(name)).collect();
    let list = list();
    let lines: Vec<&str> = list.lines().filter(|line| !line.starts_with('#')).collect();
    for name in &names {
        assert!(lines.iter().any(|line| means(line, name)), "{name} is read and not listed");
    }
    for line in lines {
        assert!(names.iter().any(|name| means(line, name)), "{line} is listed, and nothing of it is read");
    }
}

#[test]
fn the_packages_have_the_same_list() {
    for copy in COPIES {
        if std::env::var_os("ENTRAKEY_UPDATE").is_some() {
            std::fs::write(file(copy), list()).unwrap();
        }
        let copied = std::fs::read_to_string(file(copy)).unwrap_or_default();
        assert!(copied == list(), "{copy} is out of date: run ENTRAKEY_UPDATE=1 cargo test -p entrakey-core");
    }
}
