//! How many files and sockets this process may have open at a time.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the limit to what the administrator permits; what it is then, if there is one. The usual one, 1,024, is there for
/// programs that use `select`; a service with a thousand clients would turn the next one away. Where it cannot be raised it
/// stays as it is.
#[must_use]
pub fn raise_descriptor_limit() -> Option<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
    getrlimit(Resource::Nofile).current
}
