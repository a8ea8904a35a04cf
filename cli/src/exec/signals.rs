//! Signals while a command runs: they are for the command, and entrakey lives until it has ended.

use libc::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, c_int};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::origin::WithOrigin;
use signal_hook::low_level::siginfo::{Cause, Origin};
use std::io;
use std::mem::MaybeUninit;
use std::process::{Child, ExitStatus};
use std::ptr::null;

/// What is passed on.
const PASSED: [c_int; 7] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH];

/// What a terminal sends to everybody in the foreground, to the command as well.
const OF_TERMINALS: [c_int; 3] = [SIGINT, SIGQUIT, SIGWINCH];

/// Those that came, with who sent them. (That is what signal-hook is for: tokio's signals do not say who.)
pub(super) struct Signals(SignalsInfo<WithOrigin>);

impl Signals {
    /// From now on they do not kill the process. What was ignored stays ignored, for the command too: that is what `nohup` is.
    pub(super) fn new() -> io::Result<Self> {
        let passed = PASSED.into_iter().filter(|signal| !is_ignored(*signal));
        SignalsInfo::new(passed.chain([SIGCHLD])).map(Self)
    }

    /// Waits for the command's end, and passes on what comes until then. One thread does both: once the command is gone its number
    /// may be another process's, and nothing is sent to that.
    pub(super) fn wait(mut self, mut child: Child) -> io::Result<ExitStatus> {
        let pid = Pid::from_child(&child);
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            for origin in self.0.wait() {
                if is_for(pid, &origin) && child.try_wait()?.is_none() {
                    // It may not be allowed: the command has become another user.
                    let _ = Signal::from_named_raw(origin.signal).map(|signal| kill_process(pid, signal));
                }
            }
        }
    }
}

/// Whether the command has not got it already.
fn is_for(child: Pid, origin: &Origin) -> bool {
    let is_of_terminal = OF_TERMINALS.contains(&origin.signal) && !matches!(origin.cause, Cause::Sent(_));
    let is_its_own = origin.process.is_some_and(|sender| sender.pid == child.as_raw_nonzero().get());
    origin.signal != SIGCHLD && !is_of_terminal && !is_its_own
}

fn is_ignored(signal: c_int) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: without a new action nothing changes; the system has filled in the present one if it answers 0.
    unsafe {
        libc::sigaction(signal, null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}
