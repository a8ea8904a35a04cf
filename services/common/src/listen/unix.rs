//! A Unix socket that has one owner: nobody reaches it before its permissions are set, what a killed process left is
//! replaced, and what a living one serves is not.

use entrakey_core::peer_groups;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use socket2::{Domain, SockAddr, Socket, Type};
use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use tokio::net::{UnixListener, UnixSocket, UnixStream};

/// `sun_path` has 108 bytes on Linux and 104 elsewhere, one of them for the NUL at its end.
const LONGEST_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

const BACKLOG: u32 = 1024;

/// The socket's file, removed when this is dropped, unless it is another process's by then.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|found| found == self.identity) {
            let _ = fs::remove_file(&self.path); // the next owner replaces what is left
        }
    }
}

/// The user at the other end of a Unix socket, and its groups: the process's own one, then the supplementary ones.
///
/// # Errors
/// The system's.
pub fn user_of(stream: &UnixStream) -> Result<(u32, Vec<u32>)> {
    let credentials = stream.peer_cred()?;
    let mut gids = vec![credentials.gid()];
    gids.extend(peer_groups(stream.as_fd())?);
    Ok((credentials.uid(), gids))
}

/// Listens on a Unix socket with these permissions (0o600).
///
/// # Errors
/// A living process serves it, it is no socket, its directory cannot be written to, or the path is too long. The sentence
/// says what to do.
pub fn bind_unix(path: &Path, mode: u32) -> Result<(UnixListener, SocketFile)> {
    if path.as_os_str().len() > LONGEST_PATH {
        let (length, path) = (path.as_os_str().len(), path.display());
        return Err(Error::new(
            ErrorKind::InvalidInput,
            format!(
                "{path} has {length} bytes, and the path of a Unix socket {LONGEST_PATH} at most: choose a shorter one"
            ),
        ));
    }
    let (socket, fresh) = Fresh::bind(path)?;
    // Nobody can connect before `listen`.
    fs::set_permissions(&fresh.path, fs::Permissions::from_mode(mode))?;
    let file = SocketFile { path: path.to_owned(), identity: identity(&fresh.path)? };
    let listener = socket.listen(BACKLOG)?;
    fresh.take_place(path)?;
    Ok((listener, file))
}

/// A socket under a temporary name, removed unless it took its place.
struct Fresh {
    path: PathBuf,
    rename: Rename,
}

/// The system's renaming that replaces nobody unasked, or the stand-in of a test.
type Rename = fn(&Path, &Path, RenameFlags) -> std::result::Result<(), Errno>;

fn rename(from: &Path, to: &Path, how: RenameFlags) -> std::result::Result<(), Errno> {
    renameat_with(CWD, from, CWD, to, how)
}

/// Whether this way of renaming is not to be had here: a file system without it (EINVAL), a kernel before 3.15 or gVisor
/// (ENOSYS), a system that is not Linux (ENOTSUP), a container whose filter of system calls does not know it (EPERM; if the
/// directory is what forbids it, the plain rename fails too).
fn is_missing(error: Errno) -> bool {
    matches!(error, Errno::INVAL | Errno::NOSYS | Errno::NOTSUP | Errno::PERM)
}

impl Fresh {
    /// Binds a socket in the same directory.
    fn bind(path: &Path) -> Result<(UnixSocket, Self)> {
        let socket = UnixSocket::new_stream()?;
        for _ in 0..ATTEMPTS {
            let fresh = Self::beside(path)?;
            if fresh == path {
                continue; // of names of one letter there are few
            }
            match socket.bind(&fresh) {
                Ok(()) => return Ok((socket, Self { path: fresh, rename })),
                Err(error) if error.kind() == ErrorKind::AddrInUse => {}
                Err(error) => return Err(cannot_make(path, &error)),
            }
        }
        Err(cannot_make(path, &ErrorKind::AddrInUse.into()))
    }

    /// A name in the same directory that fits `sun_path` as well: as long as the real one, or longer if there is room.
    fn beside(path: &Path) -> Result<PathBuf> {
        let Some(name) = path.file_name() else {
            let said = format!(
                "{} names no file: a Unix socket needs a path like /run/entrakey/redis.sock",
                path.display()
            );
            return Err(Error::new(ErrorKind::InvalidInput, said));
        };
        let room = LONGEST_PATH - path.as_os_str().len();
        let length = name.len().max(12.min(name.len() + room));
        let dot = (length > 1).then_some('.'); // alone it would be the directory
        let random = std::iter::repeat_with(fastrand::alphanumeric);
        Ok(path.with_file_name(dot.into_iter().chain(random).take(length).collect::<String>()))
    }

    /// Moves the socket to where it belongs, unless somebody lives there.
    fn take_place(self, path: &Path) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let moved = match owner(path)? {
                Owner::Nobody => (self.rename)(&self.path, path, RenameFlags::NOREPLACE),
                Owner::Dead => return self.replace(path),
            };
            match moved {
                Ok(()) => return Ok(()),
                Err(Errno::EXIST) => {} // another process was faster: does it live?
                // Between two that start at once the later one wins then.
                Err(error) if is_missing(error) => return fs::rename(&self.path, path),
                Err(error) => return Err(error.into()),
            }
        }
        Err(taken(path))
    }

    /// Changes places with what a dead process left. Another one may have come in between: then back again.
    fn replace(self, path: &Path) -> Result<()> {
        match (self.rename)(&self.path, path, RenameFlags::EXCHANGE) {
            Ok(()) => {}
            Err(Errno::NOENT) => return self.take_place(path), // somebody has tidied up
            Err(error) if is_missing(error) => return fs::rename(&self.path, path),
            Err(error) => return Err(error.into()),
        }
        if let Ok(Owner::Dead | Owner::Nobody) = owner(&self.path) {
            return Ok(()); // `self` goes, and what was left with it
        }
        (self.rename)(&self.path, path, RenameFlags::EXCHANGE)?;
        Err(taken(path))
    }
}

/// Each one means that another process has come or gone in a moment.
const ATTEMPTS: u32 = 10;

impl Drop for Fresh {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path); // it is not there if it took its place
    }
}

/// Who is behind a socket's file.
enum Owner {
    /// There is no file.
    Nobody,
    /// Nobody listens any more.
    Dead,
}

/// # Errors
/// A living process serves it, or it is no socket.
fn owner(path: &Path) -> Result<Owner> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Owner::Nobody),
        Err(error) => return Err(error),
        Ok(found) if !found.file_type().is_socket() => {
            let said =
                format!("{} is there and is no socket: remove it, or choose another path", path.display());
            return Err(Error::new(ErrorKind::AlreadyExists, said));
        }
        Ok(_) => {}
    }
    match knock(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(Owner::Dead),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Owner::Nobody),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(Error::new(
            ErrorKind::PermissionDenied,
            format!("{} is another user's socket: choose another path", path.display()),
        )),
        Ok(()) | Err(_) => Err(taken(path)), // also one whose queue is full
    }
}

/// Connects, without waiting for a place in the other's queue: one that hangs must not make this process hang.
fn knock(path: &Path) -> Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

fn cannot_make(path: &Path, error: &Error) -> Error {
    let directory = directory_of(path).display();
    let said =
        format!("no socket can be made in {directory} ({error}): the directory must exist and be writable");
    Error::new(error.kind(), said)
}

fn taken(path: &Path) -> Error {
    let path = path.display();
    Error::new(
        ErrorKind::AddrInUse,
        format!(
            "another process serves the socket {path} (`ss -lxp` shows which): stop it, or choose another path"
        ),
    )
}

fn identity(path: &Path) -> Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()))
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory of a test's own, removed at its end.
    struct Directory(PathBuf);

    impl Directory {
        fn new() -> Self {
            let random: String = std::iter::repeat_with(fastrand::alphanumeric).take(12).collect();
            let path = std::env::temp_dir().join(format!("entrakey-{random}"));
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn files(&self) -> Vec<String> {
            let names = fs::read_dir(&self.0).unwrap();
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn refusal(path: &Path) -> String {
        bind_unix(path, 0o600).unwrap_err().to_string()
    }

    #[tokio::test]
    async fn a_socket_has_its_permissions_and_is_gone_afterwards() {
        let directory = Directory::new();
        let path = directory.0.join("s");
        let (listener, file) = bind_unix(&path, 0o660).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o660);
        let (accepted, connected) = tokio::join!(listener.accept(), UnixStream::connect(&path));
        assert!(accepted.is_ok() && connected.is_ok());
        assert_eq!(directory.files(), ["s"]);
        drop((listener, file));
        assert!(directory.files().is_empty());
    }

    #[tokio::test]
    async fn what_a_killed_process_left_is_replaced_and_what_a_living_one_serves_is_not() {
        let directory = Directory::new();
        let path = directory.0.join("redis.sock");
        let (listener, file) = bind_unix(&path, 0o600).unwrap();
        let said = refusal(&path);
        assert!(
            said.contains("another process serves the socket") && said.contains("choose another path"),
            "{said}"
        );
        std::mem::forget(file);
        drop(listener); // as a killed process leaves it
        let (second, kept) = bind_unix(&path, 0o600).unwrap();
        let (accepted, connected) = tokio::join!(second.accept(), UnixStream::connect(&path));
        assert!(accepted.is_ok() && connected.is_ok());
        assert_eq!(directory.files(), ["redis.sock"]);
        drop((second, kept));
    }

    #[tokio::test]
    async fn an_owner_that_comes_in_between_keeps_its_place() {
        let directory = Directory::new();
        let path = directory.0.join("redis.sock");
        let (_living, _file) = bind_unix(&path, 0o600).unwrap();
        let (socket, late) = Fresh::bind(&path).unwrap();
        let _listener = socket.listen(1).unwrap();
        // As if the one that lives had not been there when it was looked for.
        let said = late.replace(&path).unwrap_err().to_string();
        assert!(said.contains("another process serves the socket"), "{said}");
        assert_eq!(directory.files(), ["redis.sock"]);
        assert!(
            matches!(owner(&path), Err(error) if error.kind() == ErrorKind::AddrInUse),
            "and it is the living one's"
        );
    }

    #[tokio::test]
    async fn where_the_system_has_only_the_plain_rename_a_socket_takes_its_place_by_that() {
        let without: [Rename; 3] =
            [|_, _, _| Err(Errno::NOSYS), |_, _, _| Err(Errno::INVAL), |_, _, _| Err(Errno::PERM)];
        for rename in without {
            let directory = Directory::new();
            let path = directory.0.join("redis.sock");
            // Nobody is there, then what a dead process left.
            for _ in 0..2 {
                let (socket, fresh) = Fresh::bind(&path).unwrap();
                let listener = socket.listen(BACKLOG).unwrap();
                Fresh { path: fresh.path.clone(), rename }.take_place(&path).unwrap();
                let (accepted, connected) = tokio::join!(listener.accept(), UnixStream::connect(&path));
                assert!(accepted.is_ok() && connected.is_ok());
                assert_eq!(directory.files(), ["redis.sock"]);
            }
        }
    }

    #[tokio::test]
    async fn a_living_owner_whose_queue_is_full_is_not_waited_for() {
        let directory = Directory::new();
        let path = directory.0.join("redis.sock");
        let socket = UnixSocket::new_stream().unwrap();
        socket.bind(&path).unwrap();
        let _listener = socket.listen(1).unwrap();
        let mut waiting = Vec::new();
        while let Ok(client) = nonblocking(&path) {
            waiting.push(client);
        }
        assert!(refusal(&path).contains("another process serves the socket"));
    }

    fn nonblocking(path: &Path) -> Result<Socket> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.connect(&SockAddr::unix(path)?).map(|()| socket)
    }

    #[tokio::test]
    async fn whoever_ends_leaves_the_next_owners_socket_alone() {
        let directory = Directory::new();
        let path = directory.0.join("redis.sock");
        let (_first, file) = bind_unix(&path, 0o600).unwrap();
        fs::remove_file(&path).unwrap();
        let (_second, _kept) = bind_unix(&path, 0o600).unwrap();
        drop(file);
        assert_eq!(directory.files(), ["redis.sock"]);
    }

    #[tokio::test]
    async fn what_cannot_be_is_said_with_what_to_do() {
        let directory = Directory::new();
        let path = directory.0.join("a-file");
        fs::write(&path, "mine").unwrap();
        assert!(refusal(&path).ends_with("is there and is no socket: remove it, or choose another path"));
        assert_eq!(fs::read(&path).unwrap(), b"mine");
        assert!(refusal(&directory.0.join("no/such")).contains("the directory must exist and be writable"));
        assert!(refusal(Path::new("/")).contains("names no file"));
        let length = LONGEST_PATH - directory.0.as_os_str().len() - 1;
        let longest = directory.0.join("x".repeat(length));
        assert!(bind_unix(&longest, 0o600).is_ok(), "{LONGEST_PATH} bytes fit");
        let deep = directory.0.join("x".repeat(length - 2));
        fs::create_dir(&deep).unwrap();
        fs::write(deep.join("a"), "mine").unwrap();
        fs::write(deep.join("b"), "mine").unwrap();
        assert!(
            bind_unix(&deep.join("s"), 0o600).is_ok(),
            "{LONGEST_PATH} bytes with a name of one letter fit"
        );
        let said = refusal(&directory.0.join("x".repeat(length + 1)));
        assert!(
            said.contains(&format!("has {} bytes", LONGEST_PATH + 1)) && said.contains("shorter"),
            "{said}"
        );
    }
}
