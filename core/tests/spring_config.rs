//! The properties that Spring Boot's tools know are the crate's keys; this test fails when the two differ.
//!
//! `ENTRAKEY_UPDATE=1 cargo test -p entrakey-core` writes them anew.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod keys;

use entrakey_core::{KEYS, Key, KeyType};
use serde_json::{Value, json};

/// The starter's own, which the library does not know.
fn own(name: &str, default: bool, description: &str) -> Value {
    json!({"name": name, "type": "java.lang.Boolean", "defaultValue": default, "description": description})
}

fn property(key: &Key) -> Value {
    let kind = match key.kind {
        KeyType::Milliseconds(_) => "java.lang.Integer",
        KeyType::Fraction => "java.lang.Double",
        KeyType::Boolean => "java.lang.Boolean",
        _ => "java.lang.String",
    };
    json!({"name": name(key), "type": kind, "description": keys::doc(key)})
}

fn name(key: &Key) -> String {
    format!("entrakey.{}", key.name.replace('_', "-"))
}

/// The words that a property takes.
fn hint(key: &Key) -> Option<Value> {
    let KeyType::Choice(words) = key.kind else { return None };
    let values: Vec<_> = words.iter().map(|word| json!({"value": word})).collect();
    Some(json!({"name": name(key), "values": values}))
}

fn page() -> String {
    let mut properties = vec![
        own("entrakey.enabled", true, "Whether Redis authenticates with Microsoft Entra's tokens."),
        own(
            "entrakey.allow-plaintext",
            false,
            "Permits a Redis without TLS on another machine: for a tunnel that encrypts.",
        ),
    ];
    properties.extend(KEYS.iter().map(property));
    let hints: Vec<_> = KEYS.iter().filter_map(hint).collect();
    let groups = json!([{"name": "entrakey", "description": "Microsoft Entra's tokens for Redis."}]);
    let page = json!({"groups": groups, "properties": properties, "hints": hints});
    serde_json::to_string_pretty(&page).unwrap() + "\n"
}

#[test]
fn the_properties_of_the_spring_boot_starter_are_the_keys() {
    let file = "spring-configuration-metadata.json";
    keys::check(
        &format!("bindings/java/entrakey-spring-boot-starter/src/main/resources/META-INF/{file}"),
        &page(),
    );
}
