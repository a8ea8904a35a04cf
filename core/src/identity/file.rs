//! Files that hold a credential: read for each request, because others replace them.

use crate::error::{Error, ErrorKind, Result};
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::time::SystemTime;
use zeroize::Zeroizing;

/// A secret or an assertion has a few kilobytes at most; more is another file.
const MAX_BYTES: u64 = 64 * 1024;

/// What tells one state of some files from another without reading them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp(Vec<State>);

/// The default: there is no such file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct State {
    modified: Option<SystemTime>,
    length: u64,
}

/// The state of these files now; none if there are none.
pub(super) fn stamp<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Option<Stamp> {
    let states: Vec<State> = paths.into_iter().map(state).collect();
    (!states.is_empty()).then_some(Stamp(states))
}

fn state(path: &Path) -> State {
    // Follows links: Kubernetes swaps one to replace a secret.
    fs::metadata(path).map_or_else(
        |_| State::default(),
        |metadata| State { modified: metadata.modified().ok(), length: metadata.len() },
    )
}

/// What a file holds; `key` is what names it in the configuration.
pub(super) fn read_bytes(key: &str, path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let opened = fs::File::open(path);
    let read = opened.and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(|error| refuse(key, path, &format!("cannot be read: {error}.")))?;
    match bytes.len() as u64 {
        0 => Err(refuse(key, path, "is empty.")),
        length if length > MAX_BYTES => Err(refuse(key, path, "is far too long for what it should hold.")),
        _ => Ok(bytes),
    }
}

fn refuse(key: &str, path: &Path, what: &str) -> Error {
    Error::new(ErrorKind::IdentityUnavailable, format!("{key}: {} {what}", path.display()))
}

/// The text of a file of one line, without the white space around it.
pub(super) fn read(key: &str, path: &Path) -> Result<Zeroizing<String>> {
    let bytes = read_bytes(key, path)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| refuse(key, path, "cannot be read as text."))?.trim();
    if text.is_empty() {
        return Err(refuse(key, path, "is empty."));
    }
    if text.chars().any(char::is_control) {
        return Err(refuse(
            key,
            path,
            "holds more than one line of text: it must hold the secret and nothing else.",
        ));
    }
    Ok(Zeroizing::new(text.to_owned()))
}
