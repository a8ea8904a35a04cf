//! A configuration file as a tree.

use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// A node of the tree. It has no `Debug`, as any text in it may be a secret.
#[derive(Clone)]
pub(in crate::config) enum Node {
    Nothing,
    /// Also numbers and booleans, as they would be written in code.
    Text(Zeroizing<String>),
    /// A number that went through floating point, and may have lost digits of what was written.
    Float(f64),
    List(Vec<Node>),
    Map(BTreeMap<String, Node>),
}

impl Node {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(Zeroizing::new(text.into()))
    }

    pub(in crate::config) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(in crate::config) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(map) => map.get(name),
            _ => None,
        }
    }
}
