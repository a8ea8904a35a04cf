//! How a proxy treats its clients.

use crate::LocalPassword;

/// How a [`crate::Proxy`] treats its clients.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What clients must give in `AUTH`. Without one they may give anything: programs have dummies in their settings.
    pub password: Option<LocalPassword>,
}
