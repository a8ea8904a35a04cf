//! The password that clients must give.

use super::arguments::UpstreamArguments;
use crate::failure::Failure;
use entrakey_proxy::LocalPassword;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use zeroize::Zeroizing;

/// More is another file.
const MAX_BYTES: u64 = 4096;

pub(super) fn password(given: &UpstreamArguments) -> Result<Option<LocalPassword>, Failure> {
    let text = match (&given.password, &given.password_file) {
        (None, None) => return Ok(None),
        (Some(text), _) => text.clone(),
        (None, Some(path)) => read(path)
            .map_err(|what| Failure::usage(format!("--password-file: {} {what}", path.display())))?,
    };
    if text.is_empty() {
        return Err(Failure::usage("The password for clients is empty: give one, or leave it out."));
    }
    Ok(Some(LocalPassword::new(text)))
}

/// The file's text without the end of its line.
fn read(path: &Path) -> Result<Zeroizing<String>, String> {
    let found = std::fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?;
    if !found.is_file() || found.len() > MAX_BYTES {
        return Err(format!("is not a file of {MAX_BYTES} bytes at most"));
    }
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|error| format!("cannot be read: {error}"))?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Whether users other than the file's own and its group's may read it.
pub(super) fn is_readable_by_all(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o004 != 0)
}
