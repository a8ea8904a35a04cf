//! What a process that holds other programs' secrets does before it has any.

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use rustix::thread::{CapabilitySet, capabilities};

/// No core dump of this process is written, and no other process of this user may read its memory or take it over.
///
/// # Errors
/// The system refuses.
pub fn forbid_core_dumps() -> std::io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?; // a pipe in core_pattern is written to whatever the limit
    Ok(())
}

/// Keeps this process's memory out of swap, page by page as it is used.
///
/// # Errors
/// Why it is not: a sentence that says what to do. The process works as before.
pub fn lock_memory() -> Result<(), String> {
    // With a limit a later allocation would fail, and a thread could not be started.
    let is_limited = getrlimit(Resource::Memlock).current.is_some();
    let is_privileged = capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK));
    if is_limited && !is_privileged {
        return Err(
            "the limit of locked memory is not \"infinity\" (LimitMEMLOCK= in a unit of systemd, ulimit -l \
                    in a shell)"
                .to_owned(),
        );
    }
    mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT)
        .map_err(|error| format!("the system refuses it: {error}"))
}
