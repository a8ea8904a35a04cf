//! The main interpreter and no other: a native thread that attaches to Python arrives in that one.

use pyo3::exceptions::PyImportError;
use pyo3::ffi;
use pyo3::prelude::*;

/// # Errors
/// `ImportError` in a sub-interpreter.
pub(crate) fn require_main(_py: Python<'_>) -> PyResult<()> {
    // SAFETY: `_py` proves that this thread is attached, which is all that either call asks for.
    let id = unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) };
    if id == 0 {
        return Ok(());
    }
    Err(PyImportError::new_err("the module does not support subinterpreters"))
}
