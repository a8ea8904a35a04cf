//! A client's connections, one by one.

use crate::error::exception;
use crate::rejection::Rejection;
use pyo3::prelude::*;

/// An open connection to a server, in the books of a subscription; closed when it is collected, or by closed(). A
/// connection that connects anew is another one. In a forked child, where it is the parent's, it does nothing.
#[pyclass(frozen, module = "entrakey", weakref)]
pub(crate) struct Connection(entrakey_core::Connection);

impl Connection {
    pub(crate) fn new(connection: entrakey_core::Connection) -> Self {
        Self(connection)
    }
}

#[pymethods]
impl Connection {
    /// Whether it is to be authenticated with the token of this version: it is on an older one, and its server has not
    /// refused this one.
    fn is_behind(&self, version: u64) -> bool {
        self.0.is_behind(version)
    }

    /// The server took the token of this version. Never blocks.
    fn authenticated(&self, version: u64) {
        self.0.authenticated(version);
    }

    /// Something else came instead, with this message: as Provider.report_rejected, and for this connection. Never blocks.
    fn refused(&self, py: Python<'_>, version: u64, message: &str) -> PyResult<Rejection> {
        let rejection = py.detach(|| self.0.refused(version, message));
        rejection.map(Rejection).map_err(|error| exception(py, &error))
    }

    /// The connection is closed. Never blocks.
    fn closed(&self) {
        self.0.closed();
    }
}
