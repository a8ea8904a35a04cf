//! JSON, strictly.

use super::node::Node;
use crate::config::find_key::key_for_message;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use std::collections::BTreeMap;
use std::fmt;

pub(super) fn parse(text: &str) -> Result<Node, String> {
    serde_json::from_str(text).map_err(|error| match error.classify() {
        // Only the visitor below makes errors of this category, and they name no more than a key.
        Category::Data => error.to_string(),
        Category::Eof => format!("the JSON ends too early, at line {}", error.line()),
        _ => format!("line {}, column {} is not valid JSON", error.line(), error.column()),
    })
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::text(value))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Node, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((key, value)) = pairs.next_entry::<String, Node>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("key {} is there twice", key_for_message(&key))));
            }
            map.insert(key, value);
        }
        Ok(Node::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::draw;
    use super::*;

    #[test]
    fn numbers_keep_their_digits_or_say_that_they_may_not_have() {
        let drawing = |text: &str| parse(text).map(|node| draw(&node));
        assert_eq!(drawing("[18446744073709551615, -1, null]").as_deref(), Ok("[18446744073709551615 -1 -]"));
        assert_eq!(drawing("[0.7, 1e5]").as_deref(), Ok("[~0.7 ~100000]"));
        assert!(matches!(parse("123456789012345678901234567890"), Ok(Node::Float(_))));
    }

    #[test]
    fn it_is_strict() {
        for text in ["", "{\"a\": 1,}", "{a: 1}", "// x\n{}", "{} {}", "{\"a\"", "NaN"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
