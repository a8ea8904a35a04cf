//! What a document says of a key.

use super::document::Node;
use super::find_key::find_key;
use super::key_type::KeyType;
use super::keys::Key;
use zeroize::Zeroizing;

/// Where the keys are in a file that also holds other things.
pub(super) const SECTION: &str = "entrakey";

/// The value of a key as it would be written in code; else what is wrong with it, after its name.
pub(super) fn key_value(name: &str, node: &Node) -> Result<Zeroizing<String>, String> {
    let is_text = |key: &Key| matches!(key.kind, KeyType::Text) || key.kind.is_secret();
    match node {
        Node::Text(text) => Ok(text.clone()),
        Node::Float(_) if find_key(name).is_ok_and(is_text) => {
            Err("is a text that looks like a number: quote it.".to_owned())
        }
        Node::Float(number) => Ok(Zeroizing::new(number.to_string())),
        Node::Nothing => Err("has no value: give it one, or leave it out.".to_owned()),
        Node::List(_) | Node::Map(_) => Err(format!(
            "is a table or a list. The keys are flat; in a file with other contents they are under \"{SECTION}\"."
        )),
    }
}
