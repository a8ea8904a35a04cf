//! The native half of the Python package `entrakey`: converts, calls core, converts back.
//!
//! The Python half (`python/entrakey`) holds what is about Python or redis-py and nothing else.

mod callbacks;
mod connection;
mod credentials;
mod error;
mod interpreter;
mod observation;
mod provider;
mod rejection;
mod request;
mod subscription;
mod token;
mod waiting;

use pyo3::prelude::*;

/// What this library gives back to the system holds no secret any more.
#[global_allocator]
static ALLOCATOR: entrakey_sys::memory::Wiping = entrakey_sys::memory::Wiping;

/// The module `entrakey._entrakey`.
#[pymodule(gil_used = true)]
mod _entrakey {
    use super::*;

    #[pymodule_export]
    use crate::callbacks::{finish, forked};
    #[pymodule_export]
    use crate::connection::Connection;
    #[pymodule_export]
    use crate::credentials::CredentialSource;
    #[pymodule_export]
    use crate::observation::Observation;
    #[pymodule_export]
    use crate::provider::{Provider, check_plaintext, inherit, is_refusal, render_metrics};
    #[pymodule_export]
    use crate::rejection::Rejection;
    #[pymodule_export]
    use crate::subscription::Subscription;
    #[pymodule_export]
    use crate::token::Token;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        interpreter::require_main(module.py())?;
        module.add("__version__", entrakey_core::VERSION)?;
        module.add("METRICS_CONTENT_TYPE", entrakey_core::METRICS_CONTENT_TYPE)?;
        let connect_timeout = entrakey_core::WHILE_CONNECTING.timeout.unwrap_or_default();
        module.add("CONNECT_TIMEOUT_S", connect_timeout.as_secs_f64())?;
        module.add("KEYS", entrakey_core::KEYS.iter().map(|key| key.name).collect::<Vec<_>>())?;
        callbacks::watch_exit_and_fork(module)
    }
}
