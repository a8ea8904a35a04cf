//! What the documentation lists is what the crate has. The tables in `docs/configuration.md` are those of the crate; the test
//! fails when the two differ.
//!
//! `ENTRAKEY_UPDATE=1 cargo test -p entrakey-core` writes them anew. The prose around them is the page's own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use entrakey_core::{KEYS, Key, KeyType, RejectionReason, VARIABLES};
use std::path::Path;

fn row(key: &Key) -> String {
    let code = |text: &str| if text.is_empty() { String::new() } else { format!("`{text}`") };
    let kind = match key.kind {
        KeyType::Text => "text".to_owned(),
        KeyType::Secret => "text, secret".to_owned(),
        KeyType::Pem => "PEM, secret".to_owned(),
        KeyType::Certificate => "PEM or base64, secret".to_owned(),
        KeyType::Milliseconds(1) => "milliseconds".to_owned(),
        KeyType::Milliseconds(least) => format!("milliseconds, {least} or more"),
        KeyType::Fraction => "0 to 1".to_owned(),
        KeyType::Choice(words) => words.iter().map(|word| code(word)).collect::<Vec<_>>().join(", "),
        KeyType::Boolean => "`true`, `false`".to_owned(),
        _ => "?".to_owned(),
    };
    let (name, default, variable) = (code(key.name), code(key.default), code(key.azure_variable));
    format!("| {name} | {kind} | {default} | {variable} | {} |\n", key.doc)
}

fn keys() -> String {
    let head = "| key | type | default | Azure's variable | meaning |\n|---|---|---|---|---|\n";
    KEYS.iter().fold(head.to_owned(), |table, key| table + &row(key))
}

fn variables() -> String {
    let rows = VARIABLES.iter().map(|variable| format!("| `{}` | {} |\n", variable.name, variable.doc));
    rows.fold("| variable | meaning |\n|---|---|\n".to_owned(), |table, row| table + &row)
}

/// The page with a table between its markers.
fn with_table(page: &str, name: &str, table: &str) -> String {
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->\n"));
    let (before, rest) = page.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    [before, &begin, table, &end, after].concat()
}

#[test]
fn the_tables_in_the_page_are_those_of_the_crate() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let right = with_table(&with_table(&page, "keys", &keys()), "variables", &variables());
    if std::env::var_os("ENTRAKEY_UPDATE").is_some() {
        std::fs::write(&path, &right).unwrap();
        return;
    }
    assert!(
        page == right,
        "docs/configuration.md is out of date: run ENTRAKEY_UPDATE=1 cargo test -p entrakey-core"
    );
}

#[test]
fn the_reasons_of_rejections_are_listed_where_users_look_for_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let metrics = read("docs/operation.md");
    let metric = metrics.lines().find(|line| line.starts_with("| `entrakey_auth_rejections_total")).unwrap();
    let node = read("bindings/node/index.d.ts");
    for reason in RejectionReason::ALL {
        let name = reason.name();
        assert!(node.contains(&format!("    | '{name}'")), "bindings/node/index.d.ts lacks {name}");
        let is_counted = reason != RejectionReason::NotARefusal;
        assert_eq!(metric.contains(&format!("`{name}`")), is_counted, "docs/operation.md: {name}");
    }
}
