//! Running a tool: with a deadline, in the environment that the provider was made in, without colours, and without
//! relying on whoever else in this process waits for children.

use super::tool_output::{find_object, strip_escapes};
use crate::shortage::shortage;
use azure_identity::Executor;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A token answer has a few kilobytes.
const MAX_OUTPUT_BYTES: u64 = 1 << 20;
/// How often the tool is looked at. It takes a second or so, and this costs nothing beside.
const POLL: Duration = Duration::from_millis(5);
/// How long the output of a tool is still read after its exit.
const OUTPUT_GRACE: Duration = Duration::from_millis(500);

/// Variables that keep colours, progress bars and news of updates out of the tools' answers.
const PLAIN: [(&str, &str); 6] = [
    ("AZURE_CORE_NO_COLOR", "true"),
    ("AZURE_CORE_ONLY_SHOW_ERRORS", "true"),
    ("AZURE_CORE_DISABLE_PROGRESS_BAR", "true"),
    ("AZD_SKIP_UPDATE_CHECK", "true"),
    ("NO_COLOR", "1"),
    ("TERM", "dumb"),
];
/// Variables that would overrule those.
const COLOURFUL: [&str; 4] = ["FORCE_COLOR", "CLICOLOR_FORCE", "CLICOLOR", "COLORTERM"];

/// How the last command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Verdict {
    Failed = 0,
    Succeeded = 1,
    TimedOut = 2,
}

/// Runs one command at a time, and looks in what it prints for a JSON object with the field `wanted`.
pub(super) struct Runner {
    timeout: Duration,
    wanted: &'static str,
    /// What the last command printed, if there was nothing like such an object in it.
    printed: Mutex<Option<String>>,
    environment: Vec<(OsString, OsString)>,
    verdict: AtomicU8,
    /// What this process lacked to run the last command.
    lacked: Mutex<Option<&'static str>>,
}

impl Runner {
    pub(super) fn new(
        timeout: Duration,
        wanted: &'static str,
        environment: Vec<(OsString, OsString)>,
    ) -> Self {
        let (printed, verdict) = (Mutex::default(), AtomicU8::new(Verdict::Failed as u8));
        Self { timeout, wanted, printed, environment, verdict, lacked: Mutex::default() }
    }

    /// What the last command printed instead of an answer; none if there was one, or a part of one: it may hold a
    /// token.
    pub(super) fn printed(&self) -> Option<String> {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What this process lacked to run the last command, if that is why it failed.
    pub(super) fn lacked(&self) -> Option<&'static str> {
        *self.lacked.lock().unwrap_or_else(PoisonError::into_inner)
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
        command.args(args).env_clear().envs(self.environment.iter().cloned()).envs(PLAIN);
        for name in COLOURFUL {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A shell runs the tool: both are ended together if it comes to that.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        let (stdout, stderr) = (Pipe::read(child.stdout.take()), Pipe::read(child.stderr.take()));
        let outcome = (|| {
            let (stdout, stderr) = (stdout?, stderr?);
            let status = exit(&mut child, deadline, &stdout, &stderr)?;
            Ok(self.output(status, stdout.bytes(), stderr.bytes()))
        })();
        if outcome.is_err() {
            end(&mut child);
        }
        outcome
    }
}

impl Runner {
    fn output(&self, status: Option<ExitStatus>, stdout: Vec<u8>, stderr: Vec<u8>) -> Output {
        let (mut stdout, stderr) = (strip_escapes(&stdout), strip_escapes(&stderr));
        let answer = find_object(&stdout, self.wanted).map(str::to_owned);
        let status = status.unwrap_or_else(|| judged(answer.is_some()));
        let is_shown = answer.is_none() && !stdout.contains(&format!("\"{}\"", self.wanted));
        *self.printed.lock().unwrap_or_else(PoisonError::into_inner) =
            is_shown.then(|| format!("{stdout}\n{stderr}"));
        stdout = answer.unwrap_or(stdout);
        Output { status, stdout: stdout.into_bytes(), stderr: stderr.into_bytes() }
    }
}

/// What comes out of a pipe, read on a thread of its own: a program that the tool has left running may hold the pipe open
/// for ever.
#[derive(Clone, Default)]
struct Pipe {
    bytes: Arc<Mutex<Vec<u8>>>,
    ended: Arc<AtomicBool>,
}

impl Pipe {
    fn read(from: Option<impl Read + Send + 'static>) -> io::Result<Self> {
        let pipe = Self::default();
        let filled = pipe.clone();
        crate::sync::spawn("entrakey-pipe", move || {
            let mut chunk = [0; 4096];
            let mut from = from.map(|from| from.take(MAX_OUTPUT_BYTES));
            while let Some(length) =
                from.as_mut().and_then(|from| from.read(&mut chunk).ok()).filter(|n| *n > 0)
            {
                filled.lock().extend_from_slice(chunk.get(..length).unwrap_or_default());
            }
            filled.ended.store(true, Ordering::SeqCst);
        })?;
        Ok(pipe)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bytes(&self) -> Vec<u8> {
        self.lock().clone()
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }
}

/// Waits for the exit, and for the end of the output or a little longer than the exit. No status if somebody else
/// in this process has taken it (a handler that reaps every child).
fn exit(
    child: &mut Child,
    deadline: Instant,
    stdout: &Pipe,
    stderr: &Pipe,
) -> io::Result<Option<ExitStatus>> {
    let mut ended: Option<(Option<ExitStatus>, Instant)> = None;
    loop {
        let now = Instant::now();
        if ended.is_none() {
            ended = match child.try_wait() {
                Ok(Some(status)) => Some((Some(status), now)),
                Ok(None) => None,
                Err(_) => Some((None, now)),
            };
        }
        let complete = stdout.has_ended() && stderr.has_ended();
        match ended {
            Some((status, since)) if complete || now >= since + OUTPUT_GRACE => return Ok(status),
            _ if now >= deadline => return Err(io::ErrorKind::TimedOut.into()),
            _ => std::thread::sleep(POLL),
        }
    }
}

/// The status of a tool that somebody else waited for: what the tool printed has to tell.
fn judged(is_answer: bool) -> ExitStatus {
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
    let _ = child.kill(); // for systems without process groups
    let _ = child.wait(); // returns at once: the tool is dead
}

#[async_trait::async_trait]
impl Executor for Runner {
    /// Blocks: the future is driven on a thread of its own.
    async fn run(&self, program: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
        let outcome = self.run_now(program, args);
        let verdict = match &outcome {
            Ok(output) if output.status.success() => Verdict::Succeeded,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Verdict::TimedOut,
            _ => Verdict::Failed,
        };
        self.verdict.store(verdict as u8, Ordering::Relaxed);
        *self.lacked.lock().unwrap_or_else(PoisonError::into_inner) =
            outcome.as_ref().err().and_then(shortage);
        outcome
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Runner")
    }
}
