//! Reading small files that others write: bounded, and never waiting for somebody at the other end of a pipe.

use crate::shortage::shortage;
use std::io::{Error, ErrorKind, Read as _, Result};
use std::path::Path;
use zeroize::Zeroizing;

/// What a regular file holds, `max_bytes` at most. Its errors say what is wrong in words that follow the file's
/// name: "is not a regular file". `QuotaExceeded`: it is this process that lacks what it takes to read it.
pub(crate) fn read(path: &Path, max_bytes: u64) -> Result<Zeroizing<Vec<u8>>> {
    let unreadable = |error: Error| match shortage(&error) {
        Some(sentence) => Error::new(ErrorKind::QuotaExceeded, format!("cannot be read now. {sentence}")),
        None => Error::new(error.kind(), format!("cannot be read: {error}")),
    };
    let refused = |what: String| Error::new(ErrorKind::InvalidInput, what);
    // Asked before it is opened: opening a pipe waits for somebody to write.
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(refused("is not a regular file".to_owned()));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(metadata.len().min(max_bytes) as usize + 1));
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(max_bytes + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    match bytes.len() as u64 {
        0 => Err(refused("is empty".to_owned())),
        length if length > max_bytes => Err(refused(format!("is larger than {max_bytes} bytes"))),
        _ => Ok(bytes),
    }
}
