//! Core's errors as Python exceptions. The classes are Python's own: `entrakey/_errors.py`.

use entrakey_core::Error;
use pyo3::prelude::*;

/// The exception for `error`; if even that cannot be made, the exception that says why.
pub(crate) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    let made = py.import("entrakey._errors").and_then(|module| {
        module.call_method1(
            "make",
            (
                error.kind().name(),
                error.to_string(),
                error.is_retriable(),
                error.aadsts(),
                error.correlation_id(),
                error.http_status(),
            ),
        )
    });
    match made {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}
