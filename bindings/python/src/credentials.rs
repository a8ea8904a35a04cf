//! User name and token as redis-py wants them, made once for each token and handed out until the next.

use crate::token::Token;
use entrakey_core::Provider;
use pyo3::prelude::*;
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
    credentials.setattr("expires_on", Token(token.clone()).expires_on())?;
    Ok(credentials.unbind())
}

/// What a redis-py credential provider is, as far as speed matters: the Python half derives from it and supplies
/// `_fetch_credentials()` for when there is nothing in memory.
#[pyclass(frozen, subclass, weakref, dict, module = "entrakey._entrakey")]
pub(crate) struct CredentialSource(Provider);

#[pymethods]
impl CredentialSource {
    #[new]
    #[pyo3(signature = (provider, *_args, **_options))]
    fn new(
        provider: PyRef<'_, crate::provider::Provider>,
        _args: &Bound<'_, pyo3::types::PyTuple>,
        _options: Option<&Bound<'_, pyo3::types::PyDict>>,
    ) -> Self {
        Self(provider.core().clone())
    }

    /// What any call costs: get_credentials is measured against it.
    fn _nothing(_slf: &Bound<'_, Self>) {}

    fn get_credentials(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        match in_memory(slf.py(), &slf.get().0)? {
            Some(credentials) => Ok(credentials),
            None => slf.call_method0("_fetch_credentials").map(Bound::unbind),
        }
    }
}
