//! The main interpreter and no other: a native thread that attaches to Python arrives in that one. And its end, which a thread
//! may meet inside a callback.

use pyo3::exceptions::PyImportError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::mem;

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

type Call = unsafe extern "C-unwind" fn(*mut ffi::PyObject, *mut ffi::PyObject) -> *mut ffi::PyObject;
type Report = unsafe extern "C-unwind" fn(*mut ffi::PyObject);

/// The innermost of our frames below a callback: where the thread is being ended, it stays here for ever, as Python 3.14 lets it.
struct StaysHere;

impl Drop for StaysHere {
    fn drop(&mut self) {
        loop {
            std::thread::park();
        }
    }
}

/// Calls `callback(*arguments)` on a thread of ours. Nobody catches what it raises: that goes to `sys.unraisablehook`.
///
/// If the interpreter finalises meanwhile, Python before 3.14 ends the thread by `pthread_exit` once the callback wants the GIL
/// again: that unwinds the stack, and what our frames drop would then touch Python without the GIL, which aborts the process.
pub(crate) fn call(callback: &Bound<'_, PyAny>, arguments: &Bound<'_, PyTuple>) {
    let stays = StaysHere;
    // SAFETY: `callback` and `arguments` are objects that live through the call, and prove that this thread is attached. The functions
    // are Python's own with another ABI, which differs in that they may unwind; nothing but `stays` is dropped when they do.
    unsafe {
        let call: Call = mem::transmute(ffi::PyObject_CallObject as *const ());
        let report: Report = mem::transmute(ffi::PyErr_WriteUnraisable as *const ());
        let answer = call(callback.as_ptr(), arguments.as_ptr());
        if answer.is_null() {
            report(callback.as_ptr());
        }
        ffi::Py_XDECREF(answer);
    }
    mem::forget(stays);
}
