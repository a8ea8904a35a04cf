//! Groups of users: those of a process at the other end of a Unix socket, and what they are called.

#[cfg(unix)]
use std::io;

/// The supplementary groups that the process at the other end of a Unix socket had when it connected. Empty on systems that
/// do not tell (Linux does, from 4.13 on).
///
/// # Errors
/// It is no such socket.
#[cfg(unix)]
#[cfg_attr(not(target_os = "linux"), allow(unused_variables, reason = "those systems do not tell"))]
pub fn peer_groups(socket: std::os::fd::BorrowedFd<'_>) -> io::Result<Vec<u32>> {
    #[cfg(not(target_os = "linux"))]
    return Ok(Vec::new());
    #[cfg(target_os = "linux")]
    linux_peer_groups(socket)
}

#[cfg(target_os = "linux")]
fn linux_peer_groups(socket: std::os::fd::BorrowedFd<'_>) -> io::Result<Vec<u32>> {
    use std::os::fd::AsRawFd as _;

    const GID_BYTES: usize = size_of::<libc::gid_t>();
    let mut groups: Vec<libc::gid_t> = vec![0; 32];
    loop {
        let mut bytes = libc::socklen_t::try_from(groups.len() * GID_BYTES).map_err(io::Error::other)?;
        // SAFETY: the list is writable and has that many bytes; the kernel writes no more, and says in `bytes` how many.
        let failed = unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PEERGROUPS,
                groups.as_mut_ptr().cast(),
                &raw mut bytes,
            )
        };
        let count = bytes as usize / GID_BYTES;
        if failed == 0 {
            groups.truncate(count);
            return Ok(groups);
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::ERANGE) if count > groups.len() => groups.resize(count, 0),
            Some(libc::ENOPROTOOPT) => return Ok(Vec::new()),
            _ => return Err(error),
        }
    }
}

/// The number of the group of that name, as the system's databases have it; none if there is no such group.
///
/// # Errors
/// A database cannot be asked.
#[cfg(unix)]
pub fn group_number(name: &str) -> io::Result<Option<u32>> {
    const MOST_BYTES: usize = 1 << 20; // for the names of all its members

    let name = std::ffi::CString::new(name).map_err(io::Error::other)?;
    let mut buffer: Vec<libc::c_char> = vec![0; 4096];
    loop {
        // SAFETY: a `group` is numbers and pointers, for all of which zero is a value.
        let mut group: libc::group = unsafe { std::mem::zeroed() };
        let mut found = std::ptr::null_mut();
        // SAFETY: the name ends with a NUL, the buffer is writable and as long as is said; both outlive the call, after
        // which nothing that points into the buffer is read.
        let error = unsafe {
            libc::getgrnam_r(name.as_ptr(), &raw mut group, buffer.as_mut_ptr(), buffer.len(), &raw mut found)
        };
        match error {
            0 => return Ok((!found.is_null()).then_some(group.gr_gid)),
            libc::ERANGE if buffer.len() < MOST_BYTES => buffer.resize(buffer.len() * 4, 0),
            // What some databases say of a name that they do not know.
            libc::ENOENT | libc::ESRCH | libc::EBADF | libc::EPERM => return Ok(None),
            error => return Err(io::Error::from_raw_os_error(error)),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::os::fd::AsFd as _;
    use std::os::unix::net::UnixStream;

    #[test]
    fn the_groups_at_the_other_end_are_those_of_the_process_there() {
        let (one, _other) = UnixStream::pair().unwrap();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("Groups:")).unwrap();
        let mut own: Vec<u32> = line.split_whitespace().map(|gid| gid.parse().unwrap()).collect();
        let mut told = peer_groups(one.as_fd()).unwrap();
        own.sort_unstable();
        told.sort_unstable();
        assert_eq!(told, own);
        let file = std::fs::File::open("/dev/null").unwrap();
        assert!(peer_groups(file.as_fd()).is_err());
    }

    #[test]
    fn a_groups_number_is_found_by_its_name() {
        assert_eq!(group_number("root").unwrap(), Some(0));
        assert_eq!(group_number("no such group").unwrap(), None);
        assert!(group_number("ro\0ot").is_err());
    }
}
