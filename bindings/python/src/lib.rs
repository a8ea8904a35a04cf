//! The native half of the Python package `entrakey`: converts, calls core, converts back.
//!
//! The Python half (`python/entrakey`) holds what is about Python or redis-py and nothing else.

mod callbacks;
mod error;
mod provider;
mod request;
mod token;
mod waiting;

use pyo3::prelude::*;

/// The module `entrakey._entrakey`.
#[pymodule(gil_used = true)]
mod _entrakey {
    use super::*;

    #[pymodule_export]
    use crate::callbacks::{finish, forked};
    #[pymodule_export]
    use crate::provider::{Provider, Subscription};
    #[pymodule_export]
    use crate::token::Token;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", entrakey_core::VERSION)?;
        callbacks::watch_exit_and_fork(module)
    }
}
