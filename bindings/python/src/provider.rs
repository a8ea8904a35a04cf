//! `entrakey.Provider` and its subscriptions.

use crate::callbacks::{answer, finishing, listener, observer, supplier};
use crate::credentials::{self, Last};
use crate::error::exception;
use crate::observation::Observation;
use crate::rejection::Rejection;
use crate::subscription::Subscription;
use crate::token::Token;
use crate::waiting;
use entrakey_core::{Config, DuringOutage, Error, GetToken, InheritedSetting, KEYS, KeyType, Level};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyString};
use std::collections::BTreeMap;
use std::time::Duration;

/// Supplies the access token of one identity and keeps it fresh. The Python half adds what awaits.
#[pyclass(frozen, subclass, weakref, module = "entrakey._entrakey")]
pub(crate) struct Provider(entrakey_core::Provider, Last<Token>);

impl Provider {
    pub(crate) fn core(&self) -> &entrakey_core::Provider {
        &self.0
    }
}

#[pymethods]
impl Provider {
    #[new]
    #[pyo3(signature = (**options))]
    fn new(py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut config = Config::new();
        for (key, value) in options.into_iter().flatten() {
            if value.is_none() {
                continue; // an option of None counts as not given
            }
            let key = key.extract::<String>()?;
            match key.as_str() {
                "_on_token_request" => config.on_token_request(supplier(value.unbind())),
                "_on_assertion_request" => config.on_assertion_request(supplier(value.unbind())),
                _ => set(py, &mut config, &key, &value)?,
            }
        }
        entrakey_core::Provider::new(&config)
            .map(|provider| Self(provider, Last::new()))
            .map_err(|error| exception(py, &error))
    }

    /// A valid token: from memory, or from the source.
    ///
    /// Blocks only in the second case, GIL released, for at most `timeout` seconds (the configured
    /// get_token_timeout_ms if None), through failures that pass. Signal handlers run meanwhile: Ctrl-C ends
    /// the wait. However many threads call, there is one request. On the thread of a running event loop it blocks that
    /// loop while it waits, and never deadlocks: if the token comes from that loop, it raises CallbackFailed at once.
    /// With wait=False a known outage is reported at once. Raises EntrakeyError.
    #[pyo3(signature = (timeout = None, *, wait = true))]
    fn get_token(slf: &Bound<'_, Self>, timeout: Option<f64>, wait: bool) -> PyResult<Py<Token>> {
        let (py, provider) = (slf.py(), slf.get());
        if let Some(token) = provider.current_usable(py)? {
            return Ok(token);
        }
        let how = wish(py, timeout, wait)?;
        if how.timeout != Some(Duration::ZERO) {
            slf.call_method0("_about_to_block")?;
        }
        let token = waiting::block(py, &provider.0, how)?;
        match provider.current_usable(py)? {
            Some(newest) => Ok(newest),
            None => Py::new(py, token),
        }
    }

    /// (username, secret) of get_token: from memory the same tuple until the next token.
    #[pyo3(signature = (timeout = None, *, wait = true))]
    fn get_credentials(slf: &Bound<'_, Self>, timeout: Option<f64>, wait: bool) -> PyResult<Py<PyAny>> {
        match credentials::in_memory(slf.py(), &slf.get().0)? {
            Some(credentials) => Ok(credentials),
            None => credentials::of(slf.py(), &Self::get_token(slf, timeout, wait)?.get().0),
        }
    }

    /// Waits until get_token would answer from memory: for health checks at start-up. Raises as get_token.
    #[pyo3(signature = (timeout = None))]
    fn ready(slf: &Bound<'_, Self>, timeout: Option<f64>) -> PyResult<()> {
        Self::get_token(slf, timeout, true).map(drop)
    }

    /// The Python half, whose callbacks know more, may refuse.
    #[pyo3(name = "_about_to_block")]
    fn about_to_block(&self) {}

    /// Asks for a new token soon, whatever is left of the current one, which stays in service. Call it when a secret
    /// was replaced. Never blocks. Raises Closed.
    fn refresh(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.refresh()).map_err(|error| exception(py, &error))
    }

    /// Says that a server refused the token of `version`, and with what message, and explains it. If another token
    /// could help, one is asked for, ever more rarely. Never blocks. Raises Closed.
    fn report_rejected(&self, py: Python<'_>, version: u64, message: &str) -> PyResult<Rejection> {
        let rejection = py.detach(|| self.0.report_rejected(version, message));
        rejection.map(Rejection).map_err(|error| exception(py, &error))
    }

    /// What the provider is doing: state, ready, version, validity_left_ms, next_refresh_in_ms, attempts, last_error,
    /// clock_skew_ms, listeners, counters and others. No secret, no object id. Never blocks, never fetches.
    fn status(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let text = py.detach(|| self.0.status().to_json());
        py.import("json")?.call_method1("loads", (text,)).map(Bound::unbind)
    }

    /// The provider's metrics as text for Prometheus (METRICS_CONTENT_TYPE); see render_metrics for several.
    fn metrics(&self, py: Python<'_>) -> String {
        py.detach(|| self.0.metrics())
    }

    /// Calls `callback(name, level, message)` with each event up to `level`: 1 warnings, 2 changes, 3 all.
    #[pyo3(name = "_observe")]
    fn observe(&self, py: Python<'_>, level: u8, callback: Py<PyAny>) -> PyResult<Observation> {
        let level = match level {
            1 => Level::Warn,
            2 => Level::Info,
            _ => Level::Debug,
        };
        let observation = py.detach(|| self.0.observe(level, observer(callback)));
        observation.map(Observation::new).map_err(|error| exception(py, &error))
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

    /// The token in memory if it is valid, however little is left of it. Never blocks, never fetches.
    fn current(&self) -> Option<Token> {
        self.0.current().map(Token::new)
    }

    /// The token that get_token would hand out without waiting.
    fn current_usable(&self, py: Python<'_>) -> PyResult<Option<Py<Token>>> {
        match self.1.get(py, &self.0) {
            Some(token) => Ok(Some(token)),
            None => self.1.renew(py, &self.0, |token| Py::new(py, Token::new(token.clone()))),
        }
    }

    /// The version of the token in memory, 0 while there is none.
    #[getter]
    fn version(&self) -> u64 {
        self.0.version()
    }

    /// The Python half keeps it alive across forks.
    #[pyo3(name = "_subscribe")]
    fn subscribe(&self, py: Python<'_>, callback: Py<PyAny>) -> PyResult<Subscription> {
        let subscription = py.detach(|| self.0.subscribe(listener(callback)));
        subscription.map(Subscription::new).map_err(|error| exception(py, &error))
    }

    /// Ends the background work and forgets the token. Waits for nothing; calls that wait raise Closed.
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

/// A value as core reads it. A wrong type is the caller's mistake, not the configuration's.
fn text(key: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
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
    Err(PyTypeError::new_err(format!("{key} takes {}, not {kind}", expected(key))))
}

/// What a key's values are to Python. (A key that there is not is core's to refuse, whatever its value.)
fn expected(key: &str) -> &'static str {
    match KEYS.iter().find(|known| known.name == key).map(|known| known.kind) {
        Some(KeyType::Milliseconds(_)) => "a number of milliseconds",
        Some(KeyType::Fraction) => "a number from 0 to 1",
        Some(KeyType::Boolean) => "a bool",
        Some(KeyType::Text) => "text or a path",
        _ => "text",
    }
}

fn wish(py: Python<'_>, timeout: Option<f64>, wait: bool) -> PyResult<GetToken> {
    let timeout = timeout.map(duration).transpose().map_err(|error| exception(py, &error))?;
    let during_outage = if wait { DuringOutage::Wait } else { DuringOutage::Report };
    Ok(GetToken { timeout, during_outage })
}

pub(crate) fn duration(seconds: f64) -> Result<Duration, Error> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| Error::invalid_argument("timeout must be a number of seconds, 0 or more."))
}

fn set(py: Python<'_>, config: &mut Config, key: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let text = match text(key, value) {
        Err(_) if KEYS.iter().all(|known| known.name != key) => String::new(),
        outcome => outcome?,
    };
    config.set(key, &text).map_err(|error| exception(py, &error))
}

/// Refuses a connection without TLS that leaves this machine.
#[pyfunction]
pub(crate) fn check_plaintext(py: Python<'_>, peer: &str, name: &str, remedy: &str) -> PyResult<()> {
    entrakey_core::check_plaintext(peer, name, remedy).map_err(|error| exception(py, &error))
}

/// What is made of an older library's settings, each as (our key, the name that its user wrote, the value, that library's
/// default): values for a Provider, and a warning or None.
#[pyfunction]
pub(crate) fn inherit(
    settings: Vec<(String, String, f64, f64)>,
) -> (BTreeMap<&'static str, String>, Option<String>) {
    let settings: Vec<_> = settings
        .iter()
        .map(|(key, name, value, default)| InheritedSetting { key, name, value: *value, default: *default })
        .collect();
    let inherited = entrakey_core::inherit(&settings);
    (inherited.values, inherited.warning)
}

/// Whether an error's message is a server's refusal of an AUTH, whatever client has worded it.
#[pyfunction]
pub(crate) fn is_refusal(message: &str) -> bool {
    entrakey_core::Refusal::read(message).is_some_and(entrakey_core::Refusal::is_of_auth)
}

/// The metrics of several providers of one process as one text for Prometheus. Give each provider a name.
#[pyfunction]
pub(crate) fn render_metrics(py: Python<'_>, providers: Vec<Py<Provider>>) -> String {
    py.detach(|| {
        let statuses = providers.iter().map(|provider| provider.get().0.status()).collect();
        entrakey_core::render_metrics(statuses)
    })
}
