//! How a proxy treats its clients.

use crate::{LocalPassword, Nodes};

/// How a [`crate::Proxy`] treats its clients.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What clients must give in `AUTH`. Without one they may give anything: programs have dummies in their settings.
    pub password: Option<LocalPassword>,
    /// Where clients find the nodes, if the Redis has the OSS cluster policy. Without it they are told what the server
    /// says, and dial that.
    pub nodes: Option<Nodes>,
}
