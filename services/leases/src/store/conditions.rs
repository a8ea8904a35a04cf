//! What follows a `SELECT`.

use super::database::Value;

/// Conditions of a `WHERE` and their values.
#[derive(Default)]
pub(super) struct Conditions {
    all: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// The place that stands for a value.
    pub(super) fn value(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    pub(super) fn add(&mut self, condition: String) {
        self.all.push(condition);
    }

    pub(super) fn equals(&mut self, column: &str, text: Option<&str>) {
        if let Some(text) = text {
            let place = self.value(text.into());
            self.add(format!("{column} = {place}"));
        }
    }

    pub(super) fn ended(mut self, most: i64, order: &str) -> (String, Vec<Value>) {
        let limit = self.value(most.into());
        let clause =
            if self.all.is_empty() { String::new() } else { format!(" WHERE {}", self.all.join(" AND ")) };
        (format!("{clause} ORDER BY {order} LIMIT {limit}"), self.values)
    }
}
