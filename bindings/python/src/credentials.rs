//! User name and token as redis-py wants them, made once for each token and handed out until the next.

use crate::token::Token;
use entrakey_core::{HeldToken, Provider};
use once_cell::race::OnceBox;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use std::cell::UnsafeCell;
use std::sync::Arc;

/// `entrakey._credentials.Credentials` of a token: a tuple.
struct Made(Py<PyAny>);

/// The tuple of the token in memory; none if there is no usable one.
#[inline]
pub(crate) fn in_memory(py: Python<'_>, provider: &Provider) -> PyResult<Option<Py<PyAny>>> {
    provider.with_usable(|token| of(py, token)).transpose()
}

/// The tuple of a token.
#[inline]
pub(crate) fn of(py: Python<'_>, token: &Arc<entrakey_core::Token>) -> PyResult<Py<PyAny>> {
    match token.host_value(|| make(py, token).map(Made))? {
        Some(made) => Ok(made.0.clone_ref(py)),
        None => make(py, token),
    }
}

#[cold]
fn make(py: Python<'_>, token: &Arc<entrakey_core::Token>) -> PyResult<Py<PyAny>> {
    let class = py.import("entrakey._credentials")?.getattr("Credentials")?;
    let credentials = class.call1(((token.username(), token.secret()),))?;
    credentials.setattr("version", token.version())?;
    credentials.setattr("expires_on", Token::new(token.clone()).expires_on())?;
    Ok(credentials.unbind())
}

/// What was handed out last, for as long as its token is the newest: to compare costs less than any
/// instruction that other threads must not see half done, of which taking the token from the provider needs two.
pub(crate) struct Last<T>(UnsafeCell<Option<(HeldToken, Py<T>)>>);

// SAFETY: only the methods below reach what is inside, by a thread that holds the GIL, and none of them keeps a reference
// to it while Python code may run or the GIL may be released. Python builds without a GIL do without: see `get`.
unsafe impl<T> Sync for Last<T> {}

impl<T> Last<T> {
    pub(crate) fn new() -> Self {
        Self(UnsafeCell::new(None))
    }

    #[inline]
    pub(crate) fn get(&self, py: Python<'_>, provider: &Provider) -> Option<Py<T>> {
        if cfg!(Py_GIL_DISABLED) {
            return None;
        }
        // SAFETY: `py` proves that this thread holds the GIL; nobody has a reference, see above.
        let last = unsafe { &*self.0.get() };
        last.as_ref()
            .filter(|(token, _)| provider.is_newest(token))
            .map(|(_, credentials)| credentials.clone_ref(py))
    }

    /// Takes what `make` makes of the token in memory, if there is a usable one.
    #[cold]
    pub(crate) fn renew(
        &self,
        py: Python<'_>,
        provider: &Provider,
        make: impl FnOnce(&Arc<entrakey_core::Token>) -> PyResult<Py<T>>,
    ) -> PyResult<Option<Py<T>>> {
        let Some(held) = provider.hold() else { return Ok(None) };
        let credentials = make(held.token())?;
        if !cfg!(Py_GIL_DISABLED) {
            let next = Some((held, credentials.clone_ref(py)));
            // SAFETY: `py` proves that this thread holds the GIL; nobody has a reference, see above.
            let before = unsafe { std::mem::replace(&mut *self.0.get(), next) };
            drop(before); // dropping the old tuple may run Python code
        }
        Ok(Some(credentials))
    }
}

/// What a redis-py credential provider is, as far as speed matters: the Python half derives from it and supplies
/// `_fetch_credentials()` for when there is nothing in memory.
#[pyclass(frozen, subclass, weakref, dict, module = "entrakey._entrakey")]
pub(crate) struct CredentialSource {
    provider: OnceBox<Provider>,
    last: Last<PyAny>,
}

#[pymethods]
impl CredentialSource {
    #[new]
    #[pyo3(signature = (*_args, **_options))]
    fn new(
        _args: &Bound<'_, pyo3::types::PyTuple>,
        _options: Option<&Bound<'_, pyo3::types::PyDict>>,
    ) -> Self {
        Self { provider: OnceBox::new(), last: Last::new() }
    }

    /// Whose tokens these are: `__init__` knows it, also that of a subclass with arguments of its own.
    fn _draw_from(&self, provider: PyRef<'_, crate::provider::Provider>) -> PyResult<()> {
        let provider = Box::new(provider.core().clone());
        self.provider
            .set(provider)
            .map_err(|_| PyTypeError::new_err("a credential provider keeps the provider that it has"))
    }

    /// What any call costs: get_credentials is measured against it.
    fn _nothing(_slf: &Bound<'_, Self>) {}

    /// (username, secret) for a new connection. Blocks for 5 seconds at most, and not while an outage is known.
    fn get_credentials(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        let (py, source) = (slf.py(), slf.get());
        let Some(provider) = source.provider.get() else {
            return Err(PyTypeError::new_err("the credential provider's __init__ was not called"));
        };
        if let Some(credentials) = source.last.get(py, provider) {
            return Ok(credentials);
        }
        match source.last.renew(py, provider, |token| of(py, token))? {
            Some(credentials) => Ok(credentials),
            None => slf.call_method0("_fetch_credentials").map(Bound::unbind),
        }
    }
}
