//! An observer's registration for events.

use pyo3::prelude::*;

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
