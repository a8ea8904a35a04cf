//! `docs/configuration.md` is rendered from the table of keys; this test fails when the two differ.
//!
//! `ENTRAKEY_UPDATE=1 cargo test -p entrakey-core` writes it anew.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use entrakey_core::{KEYS, Key, KeyType};
use std::fmt::Write as _;
use std::path::Path;

const HEAD: &str = "# Configuration keys

Generated from `core/src/config/keys.rs`. The keys are the same in every language (camelCase in Node.js). A value
set in code wins over the variable `ENTRAKEY_<KEY>`, which wins over Azure's own variable. The environment is read
once, when a provider is made.

Times are caps: they hold for tokens of 20 minutes and more, and shrink with shorter-lived ones.

| key | type | default | Azure's variable | meaning |
|---|---|---|---|---|
";

fn row(key: &Key) -> String {
    let code = |text: &str| if text.is_empty() { String::new() } else { format!("`{text}`") };
    let kind = match key.kind {
        KeyType::Text => "text".to_owned(),
        KeyType::Secret => "text, secret".to_owned(),
        KeyType::Milliseconds(1) => "milliseconds".to_owned(),
        KeyType::Milliseconds(least) => format!("milliseconds, {least} or more"),
        KeyType::Fraction => "0 to 1".to_owned(),
        KeyType::Choice(words) => words.iter().map(|word| code(word)).collect::<Vec<_>>().join(", "),
        KeyType::Boolean => "`true`, `false`".to_owned(),
        _ => "?".to_owned(),
    };
    let (name, default, variable) = (code(key.name), code(key.default), code(key.azure_variable));
    format!("| {name} | {kind} | {default} | {variable} | {} |", key.doc)
}

#[test]
fn the_page_of_keys_is_what_the_table_says() {
    let mut page = HEAD.to_owned();
    KEYS.iter().for_each(|key| writeln!(page, "{}", row(key)).unwrap());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    if std::env::var_os("ENTRAKEY_UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == page,
        "docs/configuration.md is out of date: run ENTRAKEY_UPDATE=1 cargo test -p entrakey-core"
    );
}
