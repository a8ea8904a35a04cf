//! Ending a tool together with what it has started.

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
