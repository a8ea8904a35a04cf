//! Files that appear as a whole: written under another name in the same directory, with their permissions, on disk; only
//! then do they get their own name.

use rustix::fs::{Gid, fchown};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Letters of a temporary name, which nobody can have guessed and taken before.
const RANDOM: usize = 16;

/// Which file it is, and that nobody has written to it: device, inode (of a file that is gone another one may get it), time.
pub(crate) type Stamp = (u64, u64, i64, i64);

pub(crate) fn stamp(found: &fs::Metadata) -> Stamp {
    (found.dev(), found.ino(), found.mtime(), found.mtime_nsec())
}

/// A finished file under its temporary name, which is gone when this is dropped.
pub(crate) struct Fresh {
    path: PathBuf,
    pub(crate) stamp: Stamp,
}

impl Drop for Fresh {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path); // it is not there if it was renamed
    }
}

/// Writes it. The name follows by [`Fresh::replace`] or [`Fresh::take_free_name`].
pub(crate) fn write_beside(path: &Path, bytes: &[u8], mode: u32, group: Option<u32>) -> io::Result<Fresh> {
    let mut name = temporary(path)?;
    let mut random = [0_u8; RANDOM / 2];
    getrandom::getrandom(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    let random = random.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // to a string
        text
    });
    name.push(random);
    let fresh = path.with_file_name(name);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    let mut fresh = Fresh { path: fresh, stamp: (0, 0, 0, 0) };
    give(&file, mode, group)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fresh.stamp = stamp(&file.metadata()?);
    Ok(fresh)
}

/// Removes what a process that was killed has left of this file.
pub(crate) fn remove_left(path: &Path) {
    let Ok(begin) = temporary(path) else { return };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let rest = name.as_encoded_bytes().strip_prefix(begin.as_encoded_bytes());
        if rest.is_some_and(|rest| rest.len() == RANDOM && rest.iter().all(u8::is_ascii_hexdigit)) {
            let _ = fs::remove_file(entry.path()); // another user's stays
        }
    }
}

/// What temporary names of this file begin with.
fn temporary(path: &Path) -> io::Result<OsString> {
    let name = path.file_name().ok_or_else(|| io::Error::other("its path names no file"))?;
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(".");
    Ok(temporary)
}

/// To the group first: nobody reads it by the group's permission that another group has.
fn give(file: &File, mode: u32, group: Option<u32>) -> io::Result<()> {
    if let Some(group) = group {
        fchown(file, None, Some(Gid::from_raw(group)))?;
    }
    file.set_permissions(fs::Permissions::from_mode(mode))
}

impl Fresh {
    /// In the place of what is there.
    pub(crate) fn replace(self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)
    }

    /// Only if nothing is there.
    pub(crate) fn take_free_name(self, path: &Path) -> io::Result<()> {
        fs::hard_link(&self.path, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token_file::tests::Folder;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_keeps_its_permissions_and_nothing_stays_beside_it() {
        let folder = Folder::new();
        let path = folder.0.join("redis.token");
        let replace = |path: &Path, bytes: &[u8], mode| write_beside(path, bytes, mode, None)?.replace(path);
        replace(&path, b"one", 0o640).unwrap();
        let reader = File::open(&path).unwrap();
        let first = fs::metadata(&path).unwrap();
        assert_eq!(first.mode() & 0o7777, 0o640);
        replace(&path, b"two", 0o600).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(io::read_to_string(reader).unwrap(), "one", "who has the old one open reads on in it");
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
        assert!(replace(&folder.0, b"three", 0o600).is_err(), "a directory is there");
        assert!(replace(&folder.0.join("no/such"), b"three", 0o600).is_err());
        let free = write_beside(&path, b"three", 0o600, None).unwrap().take_free_name(&path);
        assert_eq!(free.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
    }

    #[test]
    fn a_link_where_the_file_should_be_is_replaced_and_what_it_leads_to_is_not_touched() {
        let folder = Folder::new();
        let (path, mine) = (folder.0.join("redis.token"), folder.0.join("mine"));
        fs::write(&mine, "mine").unwrap();
        std::os::unix::fs::symlink(&mine, &path).unwrap();
        write_beside(&path, b"token", 0o600, None).unwrap().replace(&path).unwrap();
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
        assert_eq!(fs::read(&mine).unwrap(), b"mine");
    }

    #[test]
    fn names_are_random_and_what_a_killed_process_has_left_is_removed_and_nothing_else() {
        let folder = Folder::new();
        let path = folder.0.join("redis.token");
        let names = [(); 2].map(|()| write_beside(&path, b"x", 0o600, None).unwrap());
        assert_ne!(names[0].path, names[1].path);
        std::mem::forget(names); // as kill -9 does
        for other in [".redis.token.backup", ".redis.json.0123456789abcdef", "redis.token"] {
            fs::write(folder.0.join(other), "").unwrap();
        }
        remove_left(&path);
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 3);
    }
}
