//! The host is asked for a token or an assertion, as the Python half of the package sees it.

use entrakey_core::CredentialRequest;
use pyo3::prelude::*;
use std::sync::{Mutex, PoisonError};

/// Answered once; a second answer does nothing.
#[pyclass(frozen, module = "entrakey._entrakey")]
pub(crate) struct Request(Mutex<Option<CredentialRequest>>);

impl Request {
    pub(crate) fn new(request: CredentialRequest) -> Self {
        Self(Mutex::new(Some(request)))
    }

    fn take(&self) -> Option<CredentialRequest> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[pymethods]
impl Request {
    /// None if it is an assertion that is wanted.
    #[getter]
    fn scope(&self) -> Option<String> {
        let request = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        request.as_ref().and_then(|request| request.scope().map(str::to_owned))
    }

    /// expires_on: seconds since the Unix epoch, or None for what the token itself says.
    /// username: for a token that does not say it.
    #[pyo3(signature = (secret, expires_on = None, username = None))]
    fn complete(&self, secret: String, expires_on: Option<f64>, username: Option<String>) {
        let Some(request) = self.take() else { return };
        let expires_unix_ms = expires_on.map(|seconds| (seconds * 1000.0) as u64);
        match username {
            Some(username) => request.complete_as(username, secret.into(), expires_unix_ms),
            None => request.complete(secret.into(), expires_unix_ms),
        }
    }

    fn fail(&self, message: &str) {
        if let Some(request) = self.take() {
            request.fail(message);
        }
    }
}
