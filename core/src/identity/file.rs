//! Files that hold a credential: read for each request, because others replace them.

use crate::error::{Error, ErrorKind, Result};
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::time::SystemTime;
use zeroize::Zeroizing;

/// A secret or an assertion has a few kilobytes at most; more is another file.
const MAX_BYTES: u64 = 64 * 1024;

/// What tells one state of a file from another without reading it. The default: there is no such file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
}

/// The state of a file now.
pub(super) fn stamp(path: &Path) -> Stamp {
    // Follows links: Kubernetes swaps one to replace a secret.
    fs::metadata(path).map_or_else(
        |_| Stamp::default(),
        |metadata| Stamp { modified: metadata.modified().ok(), length: metadata.len() },
    )
}

/// The text of a file without the white space around it; `key` is what names it in the configuration.
pub(super) fn read(key: &str, path: &Path) -> Result<Zeroizing<String>> {
    let refuse = |what: String| {
        Error::new(ErrorKind::IdentityUnavailable, format!("{key}: {} {what}", path.display()))
    };
    let mut text = Zeroizing::new(String::new());
    let file = fs::File::open(path).map_err(|error| refuse(format!("cannot be read: {error}.")))?;
    file.take(MAX_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|error| refuse(format!("cannot be read as text: {error}.")))?;
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(refuse("is empty.".to_owned()));
    }
    if text.len() as u64 > MAX_BYTES || trimmed.chars().any(char::is_control) {
        return Err(refuse(
            "holds more than one line of text: it must hold the secret and nothing else.".to_owned(),
        ));
    }
    Ok(Zeroizing::new(trimmed.to_owned()))
}
