//! The emulator's own folder, for what clients read from files: certificates, keys, federated tokens.
//!
//! The folder is removed when the emulator ends. A killed emulator cannot do so: the next emulator that starts
//! removes what it left.

use crate::Error;
use rustix::fs::{FlockOperation, flock};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

const PREFIX: &str = "entrakey-emulator-";
/// Locked for as long as the owner lives: the system lets go of it however the owner ends. A process id
/// would say less, as the next process may get the same.
const LOCK: &str = "lock";

/// A folder that only this user can read. Its name cannot be guessed: in a shared temporary folder a name
/// that can be guessed can be taken by another user of the machine.
#[derive(Debug)]
pub(crate) struct Home {
    path: PathBuf,
    _lock: File,
}

impl Home {
    /// Makes the folder, and removes those whose emulators are gone.
    pub(crate) fn create() -> Result<Self, Error> {
        Self::create_in(&std::env::temp_dir())
    }

    fn create_in(parent: &Path) -> Result<Self, Error> {
        remove_abandoned(parent);
        loop {
            let name = format!("{PREFIX}{}-{:016x}", std::process::id(), fastrand::u64(..));
            let path = parent.join(name);
            DirBuilder::new().mode(0o700).create(&path).map_err(|error| refuse(&path, &error))?;
            match lock(&path, true) {
                Ok(Some(lock)) => return Ok(Self { path, _lock: lock }),
                // Between the two steps another emulator took it for abandoned.
                Ok(None) => (),
                Err(error) if error.kind() == io::ErrorKind::NotFound => (),
                Err(error) => return Err(refuse(&path, &error)),
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file of the folder. A program that reads it meanwhile sees the old content or the new, never half of it.
    pub(crate) fn write(&self, name: impl AsRef<Path>, content: &str) -> Result<PathBuf, Error> {
        let path = self.path.join(name);
        replace(&path, content).map_err(|error| refuse(&path, &error))?;
        Ok(path)
    }

    pub(crate) fn remove(&self) {
        let _ = std::fs::remove_dir_all(&self.path); // it may have been removed from outside
    }
}

/// The path as programs find it that run in another folder.
pub(crate) fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

fn refuse(path: &Path, error: &io::Error) -> Error {
    Error::of_machine(format!("cannot write {}: {error}. Choose another folder with TMPDIR.", path.display()))
}

/// Writes a file in one step, readable by its owner only.
pub(crate) fn replace(path: &Path, content: &str) -> io::Result<()> {
    let draft = path.with_extension(format!("{:08x}.draft", fastrand::u32(..)));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    io::Write::write_all(&mut file, content.as_bytes())?;
    std::fs::rename(&draft, path).inspect_err(|_| drop(std::fs::remove_file(&draft)))
}

/// The lock of a folder, if no other process has it.
fn lock(folder: &Path, create: bool) -> io::Result<Option<File>> {
    let path = folder.join(LOCK);
    let no_follow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let file = OpenOptions::new()
        .write(true)
        .create(create)
        .truncate(false)
        .mode(0o600)
        .custom_flags(no_follow)
        .open(&path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => (),
        Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    // Another may have removed the folder between the two steps: then this is the lock of nothing.
    let (locked, named) = (file.metadata()?, path.symlink_metadata()?);
    Ok((locked.ino() == named.ino() && locked.dev() == named.dev()).then_some(file))
}

/// Removes the folders that emulators of this user left. One without a lock is left alone: it is being made,
/// or not ours.
fn remove_abandoned(parent: &Path) {
    let user = rustix::process::geteuid().as_raw();
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        // Not through a link: what it points to may belong to another user.
        let ours = entry.path().symlink_metadata().is_ok_and(|data| data.is_dir() && data.uid() == user);
        if ours && let Ok(Some(_lock)) = lock(&entry.path(), false) {
            let _ = std::fs::remove_dir_all(entry.path()); // tried again by the next emulator
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the homes of one test are.
    struct Parent(PathBuf);

    impl Parent {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("entrakey-homes-{:016x}", fastrand::u64(..)));
            std::fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn abandoned(&self, name: &str) -> PathBuf {
            let path = self.0.join(format!("{PREFIX}{name}"));
            std::fs::create_dir(&path).unwrap();
            std::fs::write(path.join("ca.pem"), "x").unwrap();
            path
        }
    }

    impl Drop for Parent {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn what_a_killed_emulator_left_is_removed_by_the_next_and_nothing_else_is() {
        let parent = Parent::new();
        let running = Home::create_in(&parent.0).unwrap();
        let killed = parent.abandoned("1-killed");
        std::fs::write(killed.join(LOCK), "").unwrap();
        let in_the_making = parent.abandoned("2-new");
        let elsewhere = parent.0.join("elsewhere");
        std::fs::create_dir(&elsewhere).unwrap();
        std::fs::write(elsewhere.join(LOCK), "").unwrap();
        std::os::unix::fs::symlink(&elsewhere, parent.0.join(format!("{PREFIX}3-link"))).unwrap();

        let next = Home::create_in(&parent.0).unwrap();
        assert!(!killed.exists());
        assert!(running.path().exists() && next.path().exists() && in_the_making.exists());
        assert!(elsewhere.join(LOCK).exists(), "a link was followed");
        next.remove();
        assert!(!next.path().exists() && running.path().exists());
    }

    #[test]
    fn only_the_owner_can_read_it_and_a_file_is_replaced_whole() {
        let parent = Parent::new();
        let home = Home::create_in(&parent.0).unwrap();
        assert_eq!(home.path().metadata().unwrap().mode() & 0o777, 0o700);
        home.write("token", "one").unwrap();
        let path = home.write("token", "two").unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(path).unwrap(), "two");
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 2, "the lock and the file, no drafts");
    }
}
