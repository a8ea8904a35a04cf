//! What programs have been built against must stay: `ffi/abi/<ENTRAKEY_ABI>.txt` lists it.
//!
//! `ENTRAKEY_UPDATE=1 cargo test -p entrakey-ffi` adds what is new. It takes nothing away: whoever removes or changes
//! a line raises `ENTRAKEY_ABI` in `ffi/src/lib.rs` and the SONAME in `ffi/build.rs`, and gets a new list.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Each declaration of a header in a line of its own, without comments. The names of parameters count: who changes
/// one mostly changes what it means.
fn declarations(header: &str) -> BTreeSet<String> {
    let mut code = String::new();
    for part in header.split("/*") {
        code.push_str(part.split_once("*/").map_or(part, |(_comment, code)| code));
    }
    let numbers =
        code.lines().filter(|line| line.starts_with("#define ENTRAKEY_") && line.matches(' ').count() == 2);
    let numbers: BTreeSet<_> = numbers.map(str::to_owned).collect();
    let statements: String = code
        .lines()
        .filter(|line| !line.starts_with(['#', '}']) && !line.contains("extern \"C\""))
        .collect::<Vec<_>>()
        .join(" ");
    let statements =
        statements.split(';').map(|statement| statement.split_whitespace().collect::<Vec<_>>().join(" "));
    statements.filter(|statement| !statement.is_empty()).chain(numbers).collect()
}

fn gone(before: &BTreeSet<String>, now: &BTreeSet<String>) -> Vec<String> {
    before.difference(now).cloned().collect()
}

#[test]
fn nothing_that_programs_were_built_against_has_gone_or_changed() {
    let now = declarations(&fs::read_to_string(folder().join("../include/entrakey.h")).unwrap());
    let abi = now.iter().find_map(|line| line.strip_prefix("#define ENTRAKEY_ABI ")).unwrap();
    let list = folder().join(format!("abi/{abi}.txt"));
    let before: BTreeSet<String> =
        fs::read_to_string(&list).unwrap_or_default().lines().map(str::to_owned).collect();
    let gone = gone(&before, &now);
    assert!(gone.is_empty(), "programs break without these; keep them, or raise ENTRAKEY_ABI: {gone:#?}");
    if std::env::var_os("ENTRAKEY_UPDATE").is_some() {
        fs::write(&list, now.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
        return;
    }
    assert!(
        before == now,
        "{} lacks what is new: run ENTRAKEY_UPDATE=1 cargo test -p entrakey-ffi",
        list.display()
    );
}

#[test]
fn the_librarys_name_has_the_abis_number() {
    let build = fs::read_to_string(folder().join("build.rs")).unwrap();
    let source = fs::read_to_string(folder().join("src/lib.rs")).unwrap();
    let abi = source.split_once("ENTRAKEY_ABI: u32 = ").unwrap().1.split(';').next().unwrap();
    assert!(build.contains(&format!("\"libentrakey.so.{abi}\"")), "build.rs has another SONAME");
}

#[test]
fn a_breaking_change_is_seen_and_an_addition_is_none() {
    let before = declarations(
        "/* x */\n#ifndef A\n#define ENTRAKEY_A 1\nint f(const char *text,\n      int n);\nvoid g(void);\n",
    );
    assert_eq!(before.len(), 3, "{before:?}");
    let added =
        declarations("#define ENTRAKEY_A 1\nint f(const char *text, int n); void g(void); void h(void);");
    assert!(gone(&before, &added).is_empty());
    for changed in [
        "#define ENTRAKEY_A 2\nint f(const char *text, int n); void g(void);",
        "#define ENTRAKEY_A 1\nint f(const char *text, long n); void g(void);",
        "#define ENTRAKEY_A 1\nint f(const char *text, int n);",
    ] {
        assert_eq!(gone(&before, &declarations(changed)).len(), 1, "{changed}");
    }
}
