//! `entrakey.Token`.

use pyo3::prelude::*;
use std::sync::Arc;

/// An access token and the Redis user name that goes with it. Immutable; its repr shows no secret.
#[pyclass(frozen, module = "entrakey")]
pub(crate) struct Token(pub(crate) Arc<entrakey_core::Token>);

#[pymethods]
impl Token {
    #[getter]
    fn secret(&self) -> &str {
        self.0.secret()
    }

    #[getter]
    fn username(&self) -> &str {
        self.0.username()
    }

    #[getter]
    fn version(&self) -> u64 {
        self.0.version()
    }

    #[getter]
    fn expires_on(&self) -> f64 {
        seconds(self.0.expires_unix_ms())
    }

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
