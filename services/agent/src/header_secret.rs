//! What a client shows in `X-IDENTITY-HEADER`: 256 random bits in a file that only this user may read.

use crate::write_beside::write_beside;
use rustix::fs::OFlags;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

const BYTES: usize = 32;
/// 256 bits in base64 without padding.
const LEAST_LETTERS: usize = 43;
/// More is another file.
const MOST_BYTES: u64 = 4096;
/// For opening a file that may be a pipe.
pub(crate) const NONBLOCK: i32 = OFlags::NONBLOCK.bits() as i32;

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
        Err(what) => Err(what),
    }
    .map_err(|what| format!("{} {what}", path.display()))
}

fn read(path: &Path) -> Result<Option<Zeroizing<String>>, String> {
    let cannot = |error: std::io::Error| format!("cannot be read: {error}");
    // Opened once: what is looked at is what is read. A pipe would be waited for.
    let opened = OpenOptions::new().read(true).custom_flags(NONBLOCK).open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot(error)),
    };
    let found = file.metadata().map_err(cannot)?;
    if !found.is_file() || found.len() > MOST_BYTES {
        return Err(format!("is not a file of {MOST_BYTES} bytes at most"));
    }
    check_owner(path, &found)?;
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(MOST_BYTES).unwrap_or_default()));
    file.take(MOST_BYTES).read_to_string(&mut text).map_err(cannot)?;
    let secret = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
    match is_strong(&secret) {
        true => Ok(Some(secret)),
        false => Err(format!(
            "holds something that can be guessed: remove it, and one is made, or put {LEAST_LETTERS} random letters \
             and digits or more into it"
        )),
    }
}

/// Only this user and root may have put it there, and nobody else may read it. What systemd's `LoadCredential=` has brought
/// is root's and readable by the group that a rule for this user alone (an ACL) stands for.
fn check_owner(path: &Path, found: &fs::Metadata) -> Result<(), String> {
    let me = rustix::process::geteuid().as_raw();
    if ![me, 0].contains(&found.uid()) {
        return Err(format!(
            "belongs to user {}, who could change it: chown it to this user or root",
            found.uid()
        ));
    }
    match found.mode() & 0o7777 {
        0o600 | 0o400 => Ok(()),
        0o440 if found.uid() == 0 && is_credential(path) => Ok(()),
        _ => Err("can be read or changed by other users: chmod 600 it".to_owned()),
    }
}

/// Whether it is in the directory that systemd has made for this service's credentials.
fn is_credential(path: &Path) -> bool {
    let given = std::env::var_os("CREDENTIALS_DIRECTORY").filter(|given| !given.is_empty());
    let identity = |path: &Path| fs::metadata(path).map(|found| (found.dev(), found.ino())).ok();
    let of_systemd = given.and_then(|given| identity(Path::new(&given)));
    of_systemd.is_some() && path.parent().and_then(identity) == of_systemd
}

fn make(path: &Path) -> Result<Zeroizing<String>, String> {
    let mut bytes = Zeroizing::new([0_u8; BYTES]);
    getrandom::getrandom(&mut *bytes)
        .map_err(|error| format!("cannot be made, the system has no random numbers: {error}"))?;
    let mut text = Zeroizing::new(String::with_capacity(BYTES * 2));
    for byte in bytes.iter() {
        let _ = write!(text, "{byte:02x}"); // to a string
    }
    let made = write_beside(path, text.as_bytes(), 0o600, None).and_then(|fresh| fresh.take_free_name(path));
    match made {
        Ok(()) => Ok(text),
        // Another agent was faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            read(path).and_then(|found| found.ok_or_else(|| "is there and gone again".to_owned()))
        }
        Err(error) => Err(format!("cannot be made: {error}")),
    }
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
