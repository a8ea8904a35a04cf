//! A server's refusal of a token, explained.

use pyo3::prelude::*;

/// What is to be made of a server's refusal of a token.
#[pyclass(frozen, module = "entrakey")]
pub(crate) struct Rejection(pub(crate) entrakey_core::Rejection);

#[pymethods]
impl Rejection {
    /// The likely reason, as in metrics: no_access_policy, wrong_audience, stale_token, no_permission and others.
    #[getter]
    fn reason(&self) -> &'static str {
        self.0.reason.name()
    }

    /// Who the token was for, and what to do. It holds ids, no secret.
    #[getter]
    fn explanation(&self) -> &str {
        &self.0.explanation
    }

    fn __repr__(&self) -> String {
        format!("<entrakey.Rejection {}: {}>", self.0.reason.name(), self.0.explanation)
    }
}
