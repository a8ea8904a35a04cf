//! Running a tool: with a deadline, in the environment that the provider was made in, and without relying on
//! whoever else in this process waits for children.

use azure_identity::Executor;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// A token answer has a few kilobytes.
const MAX_OUTPUT_BYTES: u64 = 1 << 20;
/// A tool that has closed its output is about to exit.
const EXIT_POLL: Duration = Duration::from_millis(5);

/// How the last command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Verdict {
    Failed = 0,
    Succeeded = 1,
    TimedOut = 2,
}

/// Runs one command at a time.
pub(super) struct Runner {
    timeout: Duration,
    environment: Vec<(OsString, OsString)>,
    verdict: AtomicU8,
}

impl Runner {
    pub(super) fn new(timeout: Duration, environment: Vec<(OsString, OsString)>) -> Self {
        Self { timeout, environment, verdict: AtomicU8::new(Verdict::Failed as u8) }
    }

    pub(super) fn verdict(&self) -> Verdict {
        match self.verdict.load(Ordering::Relaxed) {
            1 => Verdict::Succeeded,
            2 => Verdict::TimedOut,
            _ => Verdict::Failed,
        }
    }

    fn run_now(&self, program: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
        let deadline = Instant::now() + self.timeout;
        let mut command = Command::new(program);
        command.args(args).env_clear().envs(self.environment.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A shell runs the tool: both are ended together if it comes to that.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));
        let outcome = (|| {
            let stdout = received(&stdout?, deadline)?;
            let stderr = received(&stderr?, deadline)?;
            let status = exit(&mut child, deadline, &stdout)?;
            Ok(Output { status, stdout, stderr })
        })();
        if outcome.is_err() {
            end(&mut child);
        }
        outcome
    }
}

/// Everything that comes out of a pipe, read on a thread of its own: a grandchild may hold it open for ever.
fn collect(pipe: Option<impl Read + Send + 'static>) -> io::Result<Receiver<Vec<u8>>> {
    let (sender, receiver) = channel();
    let read = move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            let _ = pipe.take(MAX_OUTPUT_BYTES).read_to_end(&mut bytes); // what came, came
        }
        let _ = sender.send(bytes); // to nobody, if it was given up
    };
    crate::sync::spawn("entrakey-pipe", read)?;
    Ok(receiver)
}

fn received(from: &Receiver<Vec<u8>>, deadline: Instant) -> io::Result<Vec<u8>> {
    let left = deadline.saturating_duration_since(Instant::now());
    from.recv_timeout(left).map_err(|_| io::ErrorKind::TimedOut.into())
}

/// The exit status. If somebody else in this process has taken it (a handler that reaps every child), what the
/// tool printed has to say how it went.
fn exit(child: &mut Child, deadline: Instant, stdout: &[u8]) -> io::Result<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if Instant::now() >= deadline => return Err(io::ErrorKind::TimedOut.into()),
            Ok(None) => std::thread::sleep(EXIT_POLL),
            Err(_) => return Ok(judged(stdout)),
        }
    }
}

fn judged(stdout: &[u8]) -> ExitStatus {
    let is_answer = stdout.trim_ascii_start().starts_with(b"{");
    #[cfg(unix)]
    {
        std::os::unix::process::ExitStatusExt::from_raw(if is_answer { 0 } else { 1 << 8 })
    }
    #[cfg(windows)]
    {
        std::os::windows::process::ExitStatusExt::from_raw(if is_answer { 0 } else { 1 })
    }
}

fn end(child: &mut Child) {
    entrakey_sys::process::kill_group(child.id());
    let _ = child.kill(); // where there are no groups
    let _ = child.wait(); // it is dead: at once
}

#[async_trait::async_trait]
impl Executor for Runner {
    /// Blocks: it is driven on a thread of its own.
    async fn run(&self, program: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
        let outcome = self.run_now(program, args);
        let verdict = match &outcome {
            Ok(output) if output.status.success() => Verdict::Succeeded,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Verdict::TimedOut,
            _ => Verdict::Failed,
        };
        self.verdict.store(verdict as u8, Ordering::Relaxed);
        outcome
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Runner")
    }
}
