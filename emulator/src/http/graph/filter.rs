//! The part of OData's `$filter` that clients need here: a comparison, or several with `or` between them.

use serde_json::Value;

/// What fits one of these.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Filter(Vec<Comparison>);

impl Filter {
    pub(super) fn parse(text: &str) -> Option<Self> {
        alternatives(text).into_iter().map(Comparison::parse).collect::<Option<_>>().map(Self)
    }

    /// None if the object lacks a property for which the filter asks.
    pub(super) fn matches(&self, object: &Value) -> Option<bool> {
        self.0.iter().try_fold(false, |found, one| Some(one.matches(object)? || found))
    }
}

/// What stands between the `or`s that are in no quotes. A quote that is written twice leaves and enters again.
fn alternatives(text: &str) -> Vec<&str> {
    const OR: &str = " or ";
    let (mut all, mut rest, mut from) = (Vec::new(), text, 0);
    while let Some(found) = rest.get(from..).and_then(|tail| tail.find(OR)) {
        let (head, tail) = rest.split_at(from + found);
        if head.matches('\'').count() % 2 == 0 {
            all.push(head);
            (rest, from) = (tail.get(OR.len()..).unwrap_or_default(), 0);
        } else {
            from += found + OR.len() - 1;
        }
    }
    all.push(rest);
    all
}

/// `property eq 'value'` or `startswith(property,'value')`.
#[derive(Debug, PartialEq, Eq)]
struct Comparison {
    property: String,
    value: String,
    is_prefix: bool,
}

impl Comparison {
    fn parse(text: &str) -> Option<Self> {
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
    fn matches(&self, object: &Value) -> Option<bool> {
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
    fn comparisons_are_understood_and_nothing_else() {
        let object = json!({"appId": "AB", "displayName": "O'Neil", "n": 1});
        let asked = |text: &str| Filter::parse(text).and_then(|filter| filter.matches(&object));
        assert_eq!(asked("appId eq 'ab'"), Some(true));
        assert_eq!(asked("appId eq 'abc'"), Some(false));
        assert_eq!(asked("displayName eq 'O''Neil'"), Some(true));
        assert_eq!(asked("startswith(displayName,'o''n')"), Some(true));
        assert_eq!(asked("appId eq 'x' or startswith(displayName,'o''')"), Some(true));
        assert_eq!(asked("appId eq 'x or y' or appId eq 'z'"), Some(false));
        for wrong in
            ["appId", "appId eq ab", "other eq 'a'", "n eq '1'", "appId eq 'a' or 'b'", "endswith(appId,'b')"]
        {
            assert_eq!(asked(wrong), None, "{wrong}");
        }
    }
}
