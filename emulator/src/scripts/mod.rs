//! What a test has scripted for the token plane.

pub(crate) mod faults;
pub(crate) mod limits;

use faults::Faults;
use limits::ImdsLimits;

/// What stands between a request of the token plane and its real answer.
#[derive(Debug)]
pub(crate) struct Scripts {
    pub(crate) faults: Faults,
    pub(crate) imds_limits: ImdsLimits,
}

impl Scripts {
    /// No faults.
    pub(crate) fn new(imds_limits: bool) -> Self {
        Self { faults: Faults::default(), imds_limits: ImdsLimits::new(imds_limits) }
    }
}
