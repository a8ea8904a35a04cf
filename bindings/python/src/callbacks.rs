//! Calling into Python from threads of ours, and stopping in time.
//!
//! A native thread that asks for the GIL while the interpreter finalises hangs, panics or aborts the process,
//! depending on the moment and on versions. So an `atexit` hook closes the gate, which every call passes
//! first, and waits for the calls that are inside. What is inside for longer never comes back (`interpreter::call`).

use crate::error::exception;
use crate::interpreter;
use crate::request::Request;
use crate::token::Token;
use entrakey_core::CredentialRequest;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long interpreter exit waits for callbacks under way.
const EXIT_PATIENCE: Duration = Duration::from_secs(1);

static FINISHING: AtomicBool = AtomicBool::new(false);
static INSIDE: AtomicUsize = AtomicUsize::new(0);
static FORKS: AtomicU64 = AtomicU64::new(0);

/// Counts this thread as inside Python for as long as it lives.
struct Inside {
    /// Which process it was counted in: a forked child starts from 0.
    forks: u64,
}

impl Inside {
    /// None if the interpreter is on its way out.
    fn enter() -> Option<Self> {
        let inside = Self { forks: forks() };
        INSIDE.fetch_add(1, Ordering::SeqCst); // undone when this guard is dropped
        (!FINISHING.load(Ordering::SeqCst)).then_some(inside)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        if self.forks == forks() {
            INSIDE.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// A number that is another one in a forked child.
pub(crate) fn forks() -> u64 {
    FORKS.load(Ordering::SeqCst)
}

/// Whether the gate is closed.
pub(crate) fn finishing() -> bool {
    FINISHING.load(Ordering::SeqCst)
}

/// Runs `call` with the GIL, unless the interpreter is on its way out.
fn attach(call: impl FnOnce(Python<'_>)) {
    if let Some(_inside) = Inside::enter() {
        Python::attach(call);
    }
}

/// Calls `callback(*arguments)`, if those can be made.
fn call<'py>(
    py: Python<'py>,
    callback: &Py<PyAny>,
    arguments: impl IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error = PyErr>,
) {
    match arguments.into_pyobject(py) {
        Ok(arguments) => interpreter::call(callback.bind(py), &arguments),
        Err(error) => error.write_unraisable(py, Some(callback.bind(py))),
    }
}

/// A listener for core that calls `callback(token)`.
pub(crate) fn listener(callback: Py<PyAny>) -> impl Fn(&Arc<entrakey_core::Token>) + Send + Sync + 'static {
    move |token| attach(|py| call(py, &callback, (Token::new(token.clone()),)))
}

/// An observer for core that calls `callback(name, level, message)`.
pub(crate) fn observer(
    callback: Py<PyAny>,
) -> impl Fn(&entrakey_core::ProviderEvent) + Send + Sync + 'static {
    move |event| {
        let (name, level, message) = (event.name(), event.level() as u8, event.to_string());
        attach(|py| call(py, &callback, (name, level, message)));
    }
}

/// The end of a wait for core that calls `callback(token, None)` or `callback(None, error)`.
pub(crate) fn answer(
    callback: Py<PyAny>,
) -> impl FnOnce(Result<Arc<entrakey_core::Token>, entrakey_core::Error>) + Send + 'static {
    move |outcome| {
        attach(|py| {
            let (token, error) = match outcome {
                Ok(token) => (Some(Token::new(token)), None),
                Err(error) => (None, Some(exception(py, &error))),
            };
            call(py, &callback, (token, error));
        });
    }
}

/// Asks the host for a token or an assertion by `callback(request)`.
pub(crate) fn supplier(callback: Py<PyAny>) -> impl Fn(CredentialRequest) + Send + Sync + 'static {
    move |request| {
        attach(|py| call(py, &callback, (Request::new(request),)));
    }
}

/// Registers [`finish`] to run at interpreter exit and [`forked`] in each forked child.
pub(crate) fn watch_exit_and_fork(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    py.import("atexit")?.call_method1("register", (module.getattr("finish")?,))?;
    let os = py.import("os")?;
    if os.hasattr("register_at_fork")? {
        let hooks = PyDict::new(py);
        hooks.set_item("after_in_child", module.getattr("forked")?)?;
        os.call_method("register_at_fork", (), Some(&hooks))?;
    }
    Ok(())
}

/// Lets no further callback in and waits, GIL released, for those that are inside.
#[pyfunction]
pub(crate) fn finish(py: Python<'_>) {
    FINISHING.store(true, Ordering::SeqCst);
    py.detach(|| {
        let deadline = Instant::now() + EXIT_PATIENCE;
        while INSIDE.load(Ordering::SeqCst) > 0 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
}

/// The calls that were inside go on in the parent; here only the thread that forked exists.
#[pyfunction]
pub(crate) fn forked() {
    FORKS.fetch_add(1, Ordering::SeqCst);
    INSIDE.store(0, Ordering::SeqCst);
}
