//! An observer's registration for events.

use crate::refresh::Engine;
use std::fmt;
use std::sync::Weak;

/// An observer's registration. Dropping it ends it and never waits.
#[must_use = "dropping an observation ends it"]
pub struct Observation {
    pub(crate) id: u64,
    pub(crate) engine: Weak<Engine>,
}

impl Drop for Observation {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.upgrade() {
            engine.unobserve(self.id);
        }
    }
}

impl fmt::Debug for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observation").field("id", &self.id).finish_non_exhaustive()
    }
}
