//! Waiting for a token on a thread of Python's.

use crate::callbacks::forks;
use crate::error::exception;
use crate::token::Token;
use entrakey_core::{Error, GetToken, Provider};
use pyo3::prelude::*;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// How long a signal (Ctrl-C) may wait for its Python handler.
const SIGNAL_LATENCY: Duration = Duration::from_millis(100);

type Outcome = Result<Arc<entrakey_core::Token>, Error>;
type Answer = Receiver<Outcome>;

/// A token, or what stands in its way. The GIL is released while this waits, and signals are seen.
pub(crate) fn block(py: Python<'_>, provider: &Provider, how: GetToken) -> PyResult<Token> {
    let outcome = if is_main_thread(py)? {
        block_seeing_signals(py, provider, how)?
    } else {
        py.detach(|| provider.get_token_with(how))
    };
    outcome.map(Token::new).map_err(|error| exception(py, &error))
}

/// Core waits, and this thread only listens for the answer, so that pausing for signals touches neither the
/// deadline nor the choice of the error.
fn block_seeing_signals(py: Python<'_>, provider: &Provider, how: GetToken) -> PyResult<Outcome> {
    let mut process = forks();
    let mut answer = start(py, provider, how);
    loop {
        let received;
        (received, answer) = py.detach(move || (answer.recv_timeout(SIGNAL_LATENCY), answer));
        match received {
            Ok(outcome) => return Ok(outcome),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => return Ok(Err(lost())),
        }
        if forks() != process {
            // A signal handler forked, and this is the child. The parent's threads, which end waits, do not exist here.
            process = forks();
            answer = start(py, provider, how);
        }
    }
}

fn start(py: Python<'_>, provider: &Provider, how: GetToken) -> Answer {
    let (sender, answer) = channel();
    // After Ctrl-C no receiver is left.
    py.detach(|| provider.get_token_then(how, move |outcome| drop(sender.send(outcome))));
    answer
}

/// Python runs signal handlers on the main thread only; other threads need not look for any. Importing threading takes
/// longer than a token from the machine's own endpoint: if the program has not imported it, this is the main thread.
fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    let modules = py.import("sys")?.getattr("modules")?;
    let Ok(threading) = modules.get_item("threading") else { return Ok(true) };
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    threading.call_method0("get_ident")?.eq(main)
}

fn lost() -> Error {
    Error::internal("The wait for a token ended without an answer.")
}
