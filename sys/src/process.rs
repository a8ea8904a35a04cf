//! What this process is allowed to believe, and ending a tool together with what it has started.

/// Whether this program runs with privileges that whoever started it may not have: setuid, setgid, file capabilities. Its
/// environment and working directory are that person's, and must not decide where secrets are read or sent.
#[must_use]
pub fn has_foreign_privileges() -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    // SAFETY: no memory is involved. The kernel sets the flag when the program is executed, so a fork keeps it.
    return unsafe { libc::getauxval(libc::AT_SECURE) != 0 };
    #[cfg(any(
        target_vendor = "apple",
        target_os = "freebsd",
        target_os = "openbsd",
        target_os = "netbsd"
    ))]
    // SAFETY: no memory is involved.
    return unsafe { libc::issetugid() != 0 };
    #[allow(unreachable_code, reason = "for the other systems, which know nothing of the kind")]
    false
}

/// Kills every process of the group that the child with this id leads. Only for a child that was started as
/// the leader of a group of its own and has not been waited for.
pub fn kill_group(leader: u32) {
    #[cfg(unix)]
    if let Ok(group) = libc::pid_t::try_from(leader)
        && group > 1
    {
        // SAFETY: no memory is involved. The id is that of our own child, not yet waited for, so that it
        // cannot have been given to another process; a group that is gone is an error that changes nothing.
        unsafe { libc::kill(-group, libc::SIGKILL) };
    }
    #[cfg(not(unix))]
    let _ = leader;
}
