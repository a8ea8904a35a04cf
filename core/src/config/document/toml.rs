//! TOML.

use super::node::Node;
use std::borrow::Cow;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub(super) fn parse(text: &str) -> Result<Node, String> {
    let table = DeTable::parse(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start).min(text.len());
        let line = text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line} is not valid TOML (texts need quotes; a key may be there once)")
    })?;
    Ok(from_table(table.into_inner()))
}

/// The parser limits how deep tables nest.
fn from_table(table: DeTable<'_>) -> Node {
    let pair = |(key, value): (Spanned<Cow<'_, str>>, Spanned<DeValue<'_>>)| {
        (key.into_inner().into_owned(), from_value(value.into_inner()))
    };
    Node::Map(table.into_iter().map(pair).collect())
}

fn from_value(value: DeValue<'_>) -> Node {
    match value {
        DeValue::String(text) => Node::text(text),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Node::text(number.to_string()),
            Err(_) => Node::text(number.as_str()), // too large for anything but a text
        },
        DeValue::Float(number) => Node::text(number.as_str()),
        DeValue::Boolean(flag) => Node::text(flag.to_string()),
        DeValue::Datetime(when) => Node::text(when.to_string()),
        DeValue::Array(items) => {
            Node::List(items.into_iter().map(|item| from_value(item.into_inner())).collect())
        }
        DeValue::Table(table) => from_table(table),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::draw;
    use super::*;

    #[test]
    fn values_are_written_as_code_would() {
        let text = "a = 0x10\nb = 0.7\nc = 1_000\nd = 'x'\ne = 2026-01-01\n[[f]]\ng.h = 1\n";
        let drawing = parse(text).map(|node| draw(&node));
        assert_eq!(drawing.as_deref(), Ok("{a=16 b=0.7 c=1000 d=x e=2026-01-01 f=[{g={h=1}}]}"));
    }
}
