//! The part of OData's `$filter` that clients need here: one comparison.

use serde_json::Value;

/// `property eq 'value'` or `startswith(property,'value')`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Filter {
    property: String,
    value: String,
    is_prefix: bool,
}

impl Filter {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (property, quoted, is_prefix) = match text.split_once('(') {
            Some((function, arguments)) if function.eq_ignore_ascii_case("startswith") => {
                let (property, value) = arguments.strip_suffix(')')?.split_once(',')?;
                (property, value, true)
            }
            Some(_) => return None,
            None => {
                let (property, value) = text.split_once(" eq ")?;
                (property, value, false)
            }
        };
        let value = quoted.trim().strip_prefix('\'')?.strip_suffix('\'')?;
        // A quote within is written twice.
        let value = value.replace("''", "\u{0}");
        if value.contains('\'') {
            return None;
        }
        Some(Self { property: property.trim().to_owned(), value: value.replace('\u{0}', "'"), is_prefix })
    }

    /// Whether an object has the property at all, for which the filter can ask.
    pub(super) fn matches(&self, object: &Value) -> Option<bool> {
        let found = object.get(&self.property)?.as_str()?.to_ascii_lowercase();
        let value = self.value.to_ascii_lowercase();
        Some(if self.is_prefix { found.starts_with(&value) } else { found == value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_comparison_is_understood_and_nothing_else() {
        let object = json!({"appId": "AB", "displayName": "O'Neil", "n": 1});
        let asked = |text: &str| Filter::parse(text).and_then(|filter| filter.matches(&object));
        assert_eq!(asked("appId eq 'ab'"), Some(true));
        assert_eq!(asked("appId eq 'abc'"), Some(false));
        assert_eq!(asked("displayName eq 'O''Neil'"), Some(true));
        assert_eq!(asked("startswith(displayName,'o''n')"), Some(true));
        for wrong in
            ["appId", "appId eq ab", "other eq 'a'", "n eq '1'", "appId eq 'a' or 'b'", "endswith(appId,'b')"]
        {
            assert_eq!(asked(wrong), None, "{wrong}");
        }
    }
}
