//! Files that hold a credential: read for each request, because others replace them.

use crate::error::{Error, ErrorKind, Result};
use crate::files;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// A secret or an assertion has a few kilobytes at most. A larger file is another file.
const MAX_BYTES: u64 = 64 * 1024;

/// What tells one state of some files from another without reading them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp(Vec<State>);

#[cfg(test)]
impl Stamp {
    /// Another than the default.
    pub(crate) fn of_a_file() -> Self {
        Self(vec![State::default()])
    }
}

/// The default: there is no such file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct State {
    modified: Option<SystemTime>,
    length: u64,
    /// The file's number: another file in its place may have the same time and length.
    number: u64,
}

/// The state of these files now; none if there are none.
pub(super) fn stamp<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Option<Stamp> {
    let states: Vec<State> = paths.into_iter().map(state).collect();
    (!states.is_empty()).then_some(Stamp(states))
}

/// How long ago a file was written, by this machine's clock.
pub(super) fn age(path: &Path) -> Option<Duration> {
    SystemTime::now().duration_since(fs::metadata(path).ok()?.modified().ok()?).ok()
}

fn state(path: &Path) -> State {
    // Follows links: Kubernetes swaps one to replace a secret.
    fs::metadata(path).map_or_else(
        |_| State::default(),
        |metadata| State {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            number: number(&metadata),
        },
    )
}

#[cfg(unix)]
fn number(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn number(_metadata: &fs::Metadata) -> u64 {
    0
}

/// What a file holds; `key` is what names it in the configuration.
pub(super) fn read_bytes(key: &str, path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    files::read(path, MAX_BYTES).map_err(|error| match error.kind() {
        io::ErrorKind::QuotaExceeded => {
            Error::new(ErrorKind::Network, format!("{key}: {} {error}", path.display()))
        }
        _ => refuse(key, path, &format!("{error}.")),
    })
}

fn refuse(key: &str, path: &Path, what: &str) -> Error {
    Error::new(ErrorKind::IdentityUnavailable, format!("{key}: {} {what}", path.display()))
}

/// The text of a file of one line, without the white space around the text.
pub(super) fn read(key: &str, path: &Path) -> Result<Zeroizing<String>> {
    let bytes = read_bytes(key, path)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| refuse(key, path, "cannot be read as text."))?;
    let text = text.trim_start_matches('\u{feff}').trim(); // some editors put that mark at the beginning
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn written(name: &str, text: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("entrakey-file-{}-{name}", std::process::id()));
        fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn a_secret_is_the_one_line_of_its_file() {
        let read = |name, text| {
            let path = written(name, text);
            let outcome = read("client_secret_path", &path).map(|text| text.to_string());
            fs::remove_file(&path).unwrap();
            outcome
        };
        assert_eq!(read("plain", "s3cret\r\n").unwrap(), "s3cret");
        assert_eq!(read("mark", "\u{feff}s3cret").unwrap(), "s3cret");
        assert!(read("empty", "").unwrap_err().message().contains("is empty"));
        let several = read("several", "s3cret\nmore").unwrap_err();
        assert!(several.message().contains("more than one line") && !several.message().contains("s3cret"));
        assert!(read("long", &"x".repeat(70_000)).unwrap_err().message().contains("larger than"));
    }

    #[test]
    fn what_is_no_file_is_refused_and_not_waited_for() {
        let error = read_bytes("private_key_path", &std::env::temp_dir()).unwrap_err();
        assert!(error.message().contains("not a regular file"), "{error}");
        #[cfg(unix)]
        {
            let pipe = std::env::temp_dir().join(format!("entrakey-pipe-{}", std::process::id()));
            assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
            let error = read_bytes("private_key_path", &pipe).unwrap_err();
            fs::remove_file(&pipe).unwrap();
            assert!(error.message().contains("not a regular file"), "{error}");
        }
    }

    #[test]
    fn a_stamp_tells_a_change_of_length_or_time_of_any_file() {
        let (one, two) = (written("one", "a"), written("two", "b"));
        let stamp = || stamp([one.as_path(), two.as_path()]).unwrap();
        let before = stamp();
        assert_eq!(stamp(), before);
        let times = fs::File::options().write(true).open(&two).unwrap();
        let modified = times.metadata().unwrap().modified().unwrap();
        fs::write(&two, "longer").unwrap();
        times.set_modified(modified).unwrap();
        assert_ne!(stamp(), before, "by its length");
        let before = stamp();
        times.set_modified(modified - Duration::from_secs(1)).unwrap();
        assert_ne!(stamp(), before, "by its time");
        #[cfg(unix)]
        {
            let before = stamp();
            let other = written("other", "longer");
            let times = fs::File::options().write(true).open(&other).unwrap();
            times.set_modified(modified - Duration::from_secs(1)).unwrap();
            fs::rename(&other, &two).unwrap();
            assert_ne!(stamp(), before, "another file of the same length and time");
        }
        assert_eq!(super::stamp([]), None);
        for path in [one, two] {
            fs::remove_file(path).unwrap();
        }
    }
}
