//! `entrakey.Provider` and its subscriptions.

use crate::callbacks::{answer, finishing, listener, supplier};
use crate::error::exception;
use crate::token::Token;
use crate::waiting;
use entrakey_core::{Config, Error, GetToken};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyString};
use std::time::Duration;

/// Supplies the access token of one identity and keeps it fresh. The Python half adds what awaits.
#[pyclass(frozen, subclass, module = "entrakey._entrakey")]
pub(crate) struct Provider(entrakey_core::Provider);

#[pymethods]
impl Provider {
    #[new]
    #[pyo3(signature = (**options))]
    fn new(py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut config = Config::new();
        for (key, value) in options.into_iter().flatten() {
            if value.is_none() {
                continue; // as if it had not been given
            }
            let key = key.extract::<String>()?;
            match key.as_str() {
                "_on_token_request" => config.on_token_request(supplier(value.unbind())),
                "_on_assertion_request" => config.on_assertion_request(supplier(value.unbind())),
                _ => set(py, &mut config, &key, &value)?,
            }
        }
        entrakey_core::Provider::new(&config).map(Self).map_err(|error| exception(py, &error))
    }

    #[pyo3(signature = (timeout = None, *, wait = true))]
    fn get_token(&self, py: Python<'_>, timeout: Option<f64>, wait: bool) -> PyResult<Token> {
        if let Some(token) = self.0.with_usable(Clone::clone) {
            return Ok(Token(token));
        }
        waiting::block(py, &self.0, wish(py, timeout, wait)?)
    }

    /// Calls `done(token, error)` once, on any thread. False: the interpreter ends, no thread may call it.
    #[pyo3(name = "_get_token_then", signature = (done, timeout = None, *, wait = true))]
    fn get_token_then(
        &self,
        py: Python<'_>,
        done: Py<PyAny>,
        timeout: Option<f64>,
        wait: bool,
    ) -> PyResult<bool> {
        let how = wish(py, timeout, wait)?;
        if finishing() {
            return Ok(false);
        }
        py.detach(|| self.0.get_token_then(how, answer(done)));
        Ok(true)
    }

    fn current(&self) -> Option<Token> {
        self.0.current().map(Token)
    }

    /// The token that get_token would hand out without waiting.
    fn current_usable(&self) -> Option<Token> {
        self.0.with_usable(Clone::clone).map(Token)
    }

    #[getter]
    fn version(&self) -> u64 {
        self.0.version()
    }

    fn subscribe(&self, py: Python<'_>, callback: Py<PyAny>) -> PyResult<Subscription> {
        if !callback.bind(py).is_callable() {
            return Err(PyTypeError::new_err("subscribe() needs a callable that takes the new token"));
        }
        let subscription = self.0.subscribe(listener(callback)).map_err(|error| exception(py, &error))?;
        Ok(Subscription(std::sync::Mutex::new(Some(subscription))))
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close());
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __exit__(&self, py: Python<'_>, _kind: Py<PyAny>, _value: Py<PyAny>, _traceback: Py<PyAny>) {
        self.close(py);
    }

    fn __repr__(&self) -> String {
        format!("<entrakey.Provider version={}>", self.0.version())
    }
}

/// A listener's registration; ends when it is collected or unsubscribed. Never waits for a callback.
#[pyclass(frozen, module = "entrakey")]
pub(crate) struct Subscription(std::sync::Mutex<Option<entrakey_core::Subscription>>);

#[pymethods]
impl Subscription {
    fn unsubscribe(&self) {
        let ended = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        drop(ended);
    }
}

/// A value as core reads it. A wrong type is the caller's mistake, not the configuration's.
fn text(value: &Bound<'_, PyAny>) -> PyResult<String> {
    if value.is_instance_of::<PyString>() {
        return value.extract();
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(flag.is_true().to_string());
    }
    if value.is_instance_of::<PyInt>() || value.is_instance_of::<PyFloat>() || value.hasattr("__fspath__")? {
        return value.str()?.extract();
    }
    let kind = value.get_type().name()?;
    Err(PyTypeError::new_err(format!("an option must be text, a number, a bool or a path, not {kind}")))
}

fn wish(py: Python<'_>, timeout: Option<f64>, wait: bool) -> PyResult<GetToken> {
    let timeout = timeout.map(duration).transpose().map_err(|error| exception(py, &error))?;
    Ok(GetToken { timeout, no_wait: !wait })
}

fn duration(seconds: f64) -> Result<Duration, Error> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| Error::invalid_argument("timeout must be a number of seconds, 0 or more."))
}

fn set(py: Python<'_>, config: &mut Config, key: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    config.set(key, &text(value)?).map_err(|error| exception(py, &error))
}
