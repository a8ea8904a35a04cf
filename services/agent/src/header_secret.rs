//! What a client shows in `X-IDENTITY-HEADER`: 256 random bits in a file that only this user may read.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

const BYTES: usize = 32;
/// 256 bits in base64 without padding.
const LEAST_LETTERS: usize = 43;
/// More is another file.
const MOST_BYTES: u64 = 4096;

/// Whether it is as hard to guess as one that is made here.
#[must_use]
pub fn is_strong(secret: &str) -> bool {
    secret.len() >= LEAST_LETTERS && secret.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether they are the same, in a time that does not tell where they differ.
pub(crate) fn are_same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// The secret in that file, which is made if it is not there (0600): with the same one clients go on after a restart.
///
/// # Errors
/// A sentence: the file cannot be read or made, others may read or change it, or what is in it can be guessed.
pub fn read_or_make(path: &Path) -> Result<Zeroizing<String>, String> {
    match read(path) {
        Ok(Some(secret)) => Ok(secret),
        Ok(None) => make(path),
        Err(what) => Err(format!("{} {what}", path.display())),
    }
}

fn read(path: &Path) -> Result<Option<Zeroizing<String>>, String> {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("cannot be read: {error}")),
    };
    if !found.is_file() || found.len() > MOST_BYTES {
        return Err(format!("is not a file of {MOST_BYTES} bytes at most"));
    }
    if found.mode() & 0o077 != 0 {
        return Err("can be read or changed by other users: chmod 600 it".to_owned());
    }
    let text = fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|error| format!("cannot be read: {error}"))?;
    let secret = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
    match is_strong(&secret) {
        true => Ok(Some(secret)),
        false => Err(format!(
            "holds something that can be guessed: remove it, and one is made, or put {LEAST_LETTERS} random letters \
             and digits or more into it"
        )),
    }
}

fn make(path: &Path) -> Result<Zeroizing<String>, String> {
    let mut bytes = Zeroizing::new([0_u8; BYTES]);
    getrandom::getrandom(&mut *bytes)
        .map_err(|error| format!("The system has no random numbers: {error}"))?;
    let mut text = Zeroizing::new(String::with_capacity(BYTES * 2));
    for byte in bytes.iter() {
        let _ = write!(text, "{byte:02x}"); // to a string
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| format!("{} cannot be made: {error}", path.display()))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn one_is_made_for_this_user_alone_and_is_the_same_afterwards() {
        let folder = crate::token_file::tests::Folder::new();
        let path = folder.0.join("php.header");
        let made = read_or_make(&path).unwrap();
        assert!(is_strong(&made) && made.len() == 64);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(*read_or_make(&path).unwrap(), *made);
        assert_ne!(*read_or_make(&folder.0.join("other.header")).unwrap(), *made);
        assert!(are_same(&made, &made) && !are_same(&made, &made[1..]) && !are_same(&made, ""));
    }

    #[test]
    fn one_that_others_read_or_guess_is_refused_without_its_text() {
        let folder = crate::token_file::tests::Folder::new();
        let path = folder.0.join("php.header");
        fs::write(&path, "hunter2").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(read_or_make(&path).unwrap_err().contains("chmod 600"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let said = read_or_make(&path).unwrap_err();
        assert!(said.contains("guessed") && !said.contains("hunter2"), "{said}");
        assert!(read_or_make(&folder.0).unwrap_err().contains("is not a file"));
        assert!(read_or_make(&folder.0.join("no/such")).unwrap_err().contains("cannot be made"));
    }
}
