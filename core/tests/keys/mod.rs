//! What the tests that write a language's configuration from the table of keys share.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use entrakey_core::{Key, KeyType};
use std::path::Path;

/// What the key does, the words that it takes, its default.
pub fn doc(key: &Key) -> String {
    let words = match key.kind {
        KeyType::Choice(words) => format!(" One of {}.", words.join(", ")),
        _ => String::new(),
    };
    let default =
        if key.default.is_empty() { String::new() } else { format!(" If nothing sets it: {}.", key.default) };
    format!("{}{words}{default}", key.doc)
}

/// Fails if `file`, from the root of the repository, is not `page`; with ENTRAKEY_UPDATE it is written.
pub fn check(file: &str, page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    if std::env::var_os("ENTRAKEY_UPDATE").is_some() {
        std::fs::write(&path, page).unwrap();
        return;
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "{file} is out of date: run ENTRAKEY_UPDATE=1 cargo test -p entrakey-core");
}
