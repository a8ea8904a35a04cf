//! The directory that a service's socket and files are in.

use std::fs::{self, DirBuilder};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;

/// This user, and the group may look for a name.
const MODE: u32 = 0o750;

/// Makes a directory for this user and its group, before anything is in it: a socket cannot be reached while its own
/// permissions are still being set. One that is there already is taken if no other user can change it.
///
/// # Errors
/// It cannot be made, or another user could replace what is in it. The sentence says what to do.
pub fn make_directory(path: &Path) -> Result<()> {
    match DirBuilder::new().mode(MODE).create(path) {
        Ok(()) => return fs::set_permissions(path, fs::Permissions::from_mode(MODE)), // whatever the umask is
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => {
            let said = format!("{} cannot be made ({error}): name another one", path.display());
            return Err(Error::new(error.kind(), said));
        }
    }
    let found = fs::metadata(path)?; // of systemd's RuntimeDirectory it may be a link
    let me = rustix::process::geteuid().as_raw();
    let refuse =
        |what: &str| Err(Error::new(ErrorKind::PermissionDenied, format!("{} {what}", path.display())));
    if !found.is_dir() {
        return refuse("is there and is no directory: remove it, or name another one");
    }
    if ![me, 0].contains(&found.uid()) {
        return refuse("is another user's: name another directory");
    }
    if found.mode() & 0o022 != 0 {
        return refuse(
            "can be written by its group or everybody, who could put another socket into it: chmod go-w it",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_made_for_this_user_and_its_group_and_one_that_others_can_change_is_refused() {
        let random: String = std::iter::repeat_with(fastrand::alphanumeric).take(12).collect();
        let path = std::env::temp_dir().join(format!("entrakey-directory-{random}"));
        make_directory(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o750);
        make_directory(&path).unwrap();
        for mode in [0o777, 0o770, 0o1777] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(make_directory(&path).unwrap_err().to_string().contains("chmod"), "{mode:o}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        let file = path.join("file");
        fs::write(&file, "").unwrap();
        assert!(make_directory(&file).unwrap_err().to_string().contains("is no directory"));
        assert!(make_directory(&path.join("no/such")).unwrap_err().to_string().contains("cannot be made"));
        fs::remove_dir_all(&path).unwrap();
    }
}
