//! Where a request and a reply end: their headers are read, what they carry is stepped over.

mod header;
mod inline;
mod reply;
mod request;

pub(crate) use header::number;
pub(crate) use reply::{Frame, Malformed};
pub(crate) use request::{Body, Head, ProtocolError, Word, head, word_at, words};

#[cfg(test)]
mod random;
