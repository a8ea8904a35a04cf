//! Registrations: of a listener for new tokens and of its connections, of an observer of events.

use crate::error::exception;
use crate::provider::duration;
use crate::token::Rejection;
use pyo3::prelude::*;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A listener's registration, in this process; ends when it is collected or unsubscribed.
#[pyclass(frozen, module = "entrakey._entrakey")]
pub(crate) struct Subscription(Mutex<Option<entrakey_core::Subscription>>);

impl Subscription {
    pub(crate) fn new(subscription: entrakey_core::Subscription) -> Self {
        Self(Mutex::new(Some(subscription)))
    }

    /// Never held while Python code runs or the GIL is waited for.
    fn lock(&self) -> MutexGuard<'_, Option<entrakey_core::Subscription>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Subscription {
    #[pyo3(signature = (timeout = None))]
    fn unsubscribe(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let timeout = timeout.map(duration).transpose().map_err(|error| exception(py, &error))?;
        let ended = self.lock().take();
        Ok(match (ended, timeout) {
            (Some(subscription), Some(timeout)) => py.detach(|| subscription.unsubscribe(timeout)),
            (ended, _) => {
                drop(ended);
                true
            }
        })
    }

    /// None if it has ended.
    fn opened(&self, version: u64) -> Option<Connection> {
        self.lock().as_ref().map(|subscription| Connection(subscription.opened(version)))
    }

    fn ack(&self, version: u64, accepted: bool) {
        if let Some(subscription) = &*self.lock() {
            subscription.ack(version, accepted);
        }
    }
}

/// An open connection to a server, in the books of a subscription; closed when it is collected, or by closed(). A
/// connection that connects anew is another one. In a forked child, where it is the parent's, it does nothing.
#[pyclass(frozen, module = "entrakey", weakref)]
pub(crate) struct Connection(entrakey_core::Connection);

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

/// An observer's registration; ends when it is collected.
#[pyclass(frozen, module = "entrakey._entrakey")]
pub(crate) struct Observation {
    _registered: entrakey_core::Observation,
}

impl Observation {
    pub(crate) fn new(observation: entrakey_core::Observation) -> Self {
        Self { _registered: observation }
    }
}
