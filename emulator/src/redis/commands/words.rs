//! The words of a request, and numbers among them.

use super::super::reply::Reply;
use bytes::Bytes;

pub(super) const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";

/// An argument, or an empty one.
pub(super) fn word(words: &[Bytes], index: usize) -> &[u8] {
    words.get(index).map(AsRef::as_ref).unwrap_or_default()
}

pub(super) fn owned(words: &[Bytes], index: usize) -> Bytes {
    words.get(index).cloned().unwrap_or_default()
}

pub(super) fn text(words: &[Bytes], index: usize) -> String {
    String::from_utf8_lossy(word(words, index)).into_owned()
}

pub(super) fn integer(words: &[Bytes], index: usize) -> Result<i64, Reply> {
    parsed(word(words, index)).ok_or_else(|| Reply::error(NOT_AN_INTEGER))
}

/// As Redis reads numbers: only as it would write them, so that `+1`, `01`, `-0` and ` 1` are none.
pub(super) fn parsed(number: &[u8]) -> Option<i64> {
    let digits = number.strip_prefix(b"-").unwrap_or(number);
    let canonical = match digits {
        [b'0'] => number.len() == 1,
        [b'1'..=b'9', ..] => true,
        _ => false,
    };
    canonical.then(|| std::str::from_utf8(number).ok()?.parse().ok()).flatten()
}

/// How many, as a reply.
pub(super) fn count(number: usize) -> Reply {
    Reply::Int(number.try_into().unwrap_or(i64::MAX))
}
