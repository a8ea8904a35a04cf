//! `include/entrakey.h` is generated from the sources; this test fails when the two differ.
//!
//! `ENTRAKEY_UPDATE=1 cargo test -p entrakey-ffi` writes it anew.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::fs;
use std::path::{Path, PathBuf};

fn header() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../include/entrakey.h")
}

/// From the root of the sources: with the crate's folder cbindgen would ask cargo for the metadata of every crate of every
/// platform, which a machine that has built for one has not downloaded.
///
/// cbindgen copies Rust's doc comments; C readers are spared Rust's safety headings, whose text they need. An isize is
/// here what is wide enough for a handle of any system.
fn generate() -> String {
    let root = env!("CARGO_MANIFEST_DIR");
    let config = cbindgen::Config::from_file(Path::new(root).join("cbindgen.toml")).unwrap();
    let bindings = cbindgen::Builder::new()
        .with_src(Path::new(root).join("src/lib.rs"))
        .with_config(config)
        .generate()
        .unwrap();
    let mut text = Vec::new();
    bindings.write(&mut text);
    String::from_utf8(text)
        .unwrap()
        .replace(" * # Safety\n * ", " * Valid use: ")
        .replace("ptrdiff_t", "intptr_t")
}

#[test]
fn the_committed_header_is_what_the_sources_say() {
    let generated = generate();
    if std::env::var_os("ENTRAKEY_UPDATE").is_some() {
        fs::write(header(), &generated).unwrap();
    }
    let committed = fs::read_to_string(header()).unwrap_or_default();
    assert!(
        committed == generated,
        "include/entrakey.h is out of date: run ENTRAKEY_UPDATE=1 cargo test -p entrakey-ffi"
    );
}

#[test]
fn every_exported_function_is_guarded_against_panics() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = Vec::new();
    for entry in fs::read_dir(sources).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for function in text.split("#[unsafe(no_mangle)]").skip(1) {
            let name = function.split("fn ").nth(1).unwrap().split('(').next().unwrap().to_owned();
            let body = function.split_once(" {\n").unwrap().1.split("\n}\n").next().unwrap();
            let guarded =
                ["guard::call(", "guard::quick_call(", "guard::value(", "guard::quick_value(", "guard::get("];
            assert!(guarded.iter().any(|guard| body.contains(guard)), "{name} is not guarded");
            seen.push(name);
        }
    }
    let header = generate();
    let declares = |line: &&str| line.starts_with(char::is_alphabetic) && line.contains('(');
    let declared = header.lines().filter(|line| !line.starts_with("typedef")).filter(declares);
    assert_eq!(declared.count(), seen.len(), "not every function of the header was looked at: {seen:?}");
    assert!(seen.iter().all(|name| header.contains(&format!("{name}("))));
}
