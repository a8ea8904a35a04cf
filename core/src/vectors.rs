//! The peers' own numbers, as test cases: `tests/vectors/token-manager-cases.json`.
#![allow(clippy::unwrap_used, reason = "a test without its cases should panic")]

use serde_json::Value;

/// The groups that a test of ours goes through. A new group in the file needs a test.
const GROUPS: &[&str] = &["renewal_delay", "retry_delay", "config", "authority", "is_retryable", "parser"];

fn all() -> Vec<Value> {
    let file: Value =
        serde_json::from_str(include_str!("../../tests/vectors/token-manager-cases.json")).unwrap();
    file["cases"].as_array().unwrap().clone()
}

/// The cases of one group; there must be some.
pub(crate) fn cases(group: &str) -> Vec<Value> {
    let cases: Vec<Value> = all().into_iter().filter(|case| case["group"] == group).collect();
    assert!(!cases.is_empty() && GROUPS.contains(&group), "{group}");
    cases
}

#[test]
fn every_case_belongs_to_a_group_that_is_tested() {
    assert_eq!(all().len(), 81);
    for case in all() {
        assert!(GROUPS.contains(&case["group"].as_str().unwrap()), "{case}");
    }
}
