//! When a service reads its files again: told by SIGHUP, or because one of them is another one.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;

/// How often files are looked at. A look costs a system call; Kubernetes takes a minute to bring a secret to a pod.
const PACE: Duration = Duration::from_secs(1);
/// A file that is another one at so many looks in a row is read as it is.
const MOST_CHANGES: u32 = 10;

/// What tells one state of a file from another without reading it. None: it is not there.
type Stamp = Option<(u64, u64, u64, i64, i64)>;

/// Follows links: Kubernetes swaps one to replace a file.
fn stamp(path: &Path) -> Stamp {
    let found = fs::metadata(path).ok()?;
    Some((found.dev(), found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
}

/// Why files are read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReloadCause {
    /// SIGHUP.
    Asked,
    /// A file has changed.
    Changed,
}

/// Files as they are before they are read: a change after that is not missed.
#[derive(Debug, Default)]
pub struct Seen(Vec<(PathBuf, Stamp)>);

impl Seen {
    /// Looks at a file that will be read now.
    pub fn look_at(&mut self, path: &Path) {
        self.0.push((path.to_owned(), stamp(path)));
    }

    /// Whether one is another one than at the last look.
    pub(crate) fn has_changed(&mut self) -> bool {
        let mut has_changed = false;
        for (path, seen) in &mut self.0 {
            let now = stamp(path);
            has_changed |= *seen != now;
            *seen = now;
        }
        has_changed
    }
}

/// Waits for reasons to read files again. Make it early: from then on SIGHUP does not kill the process.
#[derive(Debug)]
pub struct Reloads {
    hangup: Signal,
    seen: Seen,
}

impl Reloads {
    /// # Errors
    /// The system refuses to tell of signals.
    pub fn new(seen: Seen) -> std::io::Result<Self> {
        Ok(Self { hangup: signal(SignalKind::hangup())?, seen })
    }

    /// Watches these from now on.
    pub fn follow(&mut self, seen: Seen) {
        self.seen = seen;
    }

    /// The next one. What has changed is read once it is the same at two looks: whoever copies a file or saves it begins by
    /// emptying it, and what an empty one says holds too.
    pub async fn next(&mut self) -> ReloadCause {
        let mut changes = 0;
        loop {
            tokio::select! {
                _ = self.hangup.recv() => {
                    self.has_changed(); // what is there now is read now
                    return ReloadCause::Asked;
                }
                () = sleep(PACE) => match self.has_changed() {
                    true if changes < MOST_CHANGES => changes += 1,
                    false if changes == 0 => {}
                    _ => return ReloadCause::Changed,
                }
            }
        }
    }

    fn has_changed(&mut self) -> bool {
        self.seen.has_changed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> PathBuf {
        let random: String = std::iter::repeat_with(fastrand::alphanumeric).take(12).collect();
        let folder = std::env::temp_dir().join(format!("entrakey-reload-{random}"));
        fs::create_dir(&folder).unwrap();
        folder
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_being_written_is_read_when_it_is_whole_and_one_that_never_is_all_the_same() {
        let folder = folder();
        let path = folder.join("agent.toml");
        fs::write(&path, "old").unwrap();
        let mut seen = Seen::default();
        seen.look_at(&path);
        let mut reloads = Reloads::new(seen).unwrap();
        fs::write(&path, "").unwrap(); // as a copy begins
        let copied = async {
            sleep(PACE * 3 / 2).await;
            fs::write(&path, "new").unwrap();
        };
        let read = async { (reloads.next().await, fs::read_to_string(&path).unwrap()) };
        assert_eq!(tokio::join!(read, copied).0, (ReloadCause::Changed, "new".to_owned()));
        let written_to = async {
            for length in 4.. {
                fs::write(&path, "x".repeat(length)).unwrap();
                sleep(PACE / 2).await;
            }
        };
        tokio::select! {
            cause = reloads.next() => assert_eq!(cause, ReloadCause::Changed),
            () = written_to => {}
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[tokio::test]
    async fn a_file_that_is_written_replaced_or_swapped_by_a_link_is_read_again_once() {
        let folder = folder();
        let path = folder.join("store.yaml");
        let mut seen = Seen::default();
        seen.look_at(&path);
        let mut reloads = Reloads::new(seen).unwrap();
        assert!(!reloads.has_changed(), "it is not there, as before");
        fs::write(&path, "a").unwrap();
        assert!(reloads.has_changed() && !reloads.has_changed());
        let (one, two) = (folder.join("one"), folder.join("two"));
        fs::write(&one, "b").unwrap();
        fs::write(&two, "b").unwrap();
        for target in [&one, &two] {
            let link = folder.join("link");
            std::os::unix::fs::symlink(target, &link).unwrap();
            fs::rename(&link, &path).unwrap();
            assert!(reloads.has_changed() && !reloads.has_changed());
        }
        let mut seen = Seen::default();
        seen.look_at(&one);
        fs::write(&one, "another").unwrap(); // while it is being read
        reloads.follow(seen);
        assert!(reloads.has_changed() && !reloads.has_changed());
        fs::remove_dir_all(&folder).unwrap();
        assert!(reloads.has_changed());
    }
}
