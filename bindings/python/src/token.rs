//! `entrakey.Token`.

use crate::credentials;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyString;
use std::sync::Arc;

/// An access token and the Redis user name that goes with it. Immutable; its repr shows no secret.
#[pyclass(frozen, module = "entrakey")]
pub(crate) struct Token(pub(crate) Arc<entrakey_core::Token>, PyOnceLock<Py<PyString>>);

impl Token {
    pub(crate) fn new(token: Arc<entrakey_core::Token>) -> Self {
        Self(token, PyOnceLock::new())
    }
}

#[pymethods]
impl Token {
    /// The access token: the password of the Redis AUTH. A bearer secret: do not log it.
    #[getter]
    fn secret(&self, py: Python<'_>) -> Py<PyString> {
        self.1.get_or_init(py, || PyString::new(py, self.0.secret()).unbind()).clone_ref(py)
    }

    /// User name and secret as redis-py takes them, made once.
    #[getter]
    fn _credentials(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        credentials::of(py, &self.0)
    }

    /// The object id of the identity: the user name of the Redis AUTH.
    #[getter]
    fn username(&self) -> &str {
        self.0.username()
    }

    /// Its number among the provider's tokens, from 1.
    #[getter]
    fn version(&self) -> u64 {
        self.0.version()
    }

    /// When it expires, in seconds since the Unix epoch, as time.time() gives them.
    #[getter]
    pub(crate) fn expires_on(&self) -> f64 {
        seconds(self.0.expires_unix_ms())
    }

    /// When the provider means to replace it, in seconds since the Unix epoch.
    #[getter]
    fn refresh_on(&self) -> f64 {
        seconds(self.0.refresh_unix_ms())
    }

    fn __repr__(&self) -> String {
        let (username, version) = (self.0.username(), self.0.version());
        format!("<entrakey.Token username={username} version={version} expires_on={}>", self.expires_on())
    }
}

/// Seconds since the Unix epoch, as `time.time()` gives them.
fn seconds(unix_ms: u64) -> f64 {
    unix_ms as f64 / 1000.0
}
