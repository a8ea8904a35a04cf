//! What takes longer than a second says so, on standard error and to people only.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Who waits for less does not wonder.
const PATIENCE: Duration = Duration::from_secs(1);

/// A line that is there while something is awaited. Dropping it takes the line away.
pub(crate) struct Progress(Option<(Sender<()>, JoinHandle<()>)>);

impl Progress {
    /// `what` is what is done: "asking Entra for a token".
    pub(crate) fn of(what: impl Into<String>) -> Self {
        if !stderr().is_terminal() || std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb") {
            return Self(None);
        }
        let (what, (done, is_done), start) = (what.into(), channel::<()>(), Instant::now());
        let tell = move || {
            let mut is_shown = false;
            while is_done.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                write(&format!("\r\x1b[Kentrakey: {what}, {} s so far", start.elapsed().as_secs()));
                is_shown = true;
            }
            if is_shown {
                write("\r\x1b[K");
            }
        };
        // Without a thread there is no line, and all else goes on.
        let thread = std::thread::Builder::new().name("progress".to_owned()).spawn(tell);
        Self(thread.ok().map(|thread| (done, thread)))
    }
}

fn write(text: &str) {
    let mut out = stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush()); // nobody may look
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((done, thread)) = self.0.take() {
            drop(done);
            let _ = thread.join(); // it only writes
        }
    }
}
