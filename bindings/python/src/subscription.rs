//! A listener's registration for new tokens.

use crate::connection::Connection;
use crate::error::exception;
use crate::provider::duration;
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
        self.lock().as_ref().map(|subscription| Connection::new(subscription.opened(version)))
    }

    fn ack(&self, version: u64, accepted: bool) {
        if let Some(subscription) = &*self.lock() {
            subscription.ack(version, accepted);
        }
    }
}
