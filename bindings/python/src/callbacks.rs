//! Calling into Python from threads of ours, and stopping in time.
//!
//! A native thread that asks for the GIL while the interpreter finalises aborts the process. So an `atexit`
//! hook closes the gate, which every call passes first, and waits for the calls that are inside.

use crate::token::Token;
use pyo3::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long interpreter exit waits for callbacks under way.
const EXIT_PATIENCE: Duration = Duration::from_secs(1);

static FINISHING: AtomicBool = AtomicBool::new(false);
static INSIDE: AtomicUsize = AtomicUsize::new(0);

/// Counts this thread as inside Python for as long as it lives.
struct Inside;

impl Inside {
    /// None if the interpreter is on its way out.
    fn enter() -> Option<Self> {
        INSIDE.fetch_add(1, Ordering::SeqCst);
        let inside = Self; // from here on its drop counts it out again
        (!FINISHING.load(Ordering::SeqCst)).then_some(inside)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A listener for core that calls `callback(token)`. What it raises goes to `sys.unraisablehook`.
pub(crate) fn listener(callback: Py<PyAny>) -> impl Fn(&Arc<entrakey_core::Token>) + Send + Sync + 'static {
    move |token| {
        let Some(_inside) = Inside::enter() else { return };
        Python::attach(|py| {
            if let Err(error) = callback.call1(py, (Token(token.clone()),)) {
                error.write_unraisable(py, Some(callback.bind(py)));
            }
        });
    }
}

/// Registers [`finish`] to run at interpreter exit.
pub(crate) fn watch_exit(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.py().import("atexit")?.call_method1("register", (module.getattr("finish")?,))?;
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
