//! Whether the file of a refused credential has changed, so that it is tried at once.

use crate::identity::Stamp;
use std::time::Duration;

/// While a credential from a file is refused, the file is looked at this often. (A look is one system call.)
const INTERVAL: Duration = Duration::from_secs(2);

/// Times are on the boot clock.
#[derive(Default)]
pub(super) struct CredentialWatch {
    /// The file as it was when the last request started. None if no file holds the credential.
    stamp: Option<Stamp>,
    /// When the file is looked at next: calls in between must not put it off.
    look_at: Option<Duration>,
    looking: bool,
}

impl CredentialWatch {
    /// A request starts. To be called before it reads the file: a change in between is seen later.
    pub(super) fn request_starts(&mut self, stamp: Option<Stamp>) {
        self.stamp = stamp;
    }

    /// When the file is to be looked at next, which is while the credential is refused.
    pub(super) fn alarm(&mut self, is_refused: bool, now: Duration) -> Option<Duration> {
        let watched = is_refused && self.stamp.is_some();
        self.look_at = watched.then(|| self.look_at.unwrap_or(now + INTERVAL));
        self.look_at
    }

    /// The file to compare with, if a look is due, none is under way, and the credential is still refused. [`Self::end_look`] has to follow.
    pub(super) fn begin_look(&mut self, is_refused: bool, now: Duration) -> Option<Stamp> {
        self.look_at.take_if(|at| *at <= now)?;
        let before = self.stamp.clone().filter(|_| is_refused && !self.looking)?;
        self.looking = true;
        Some(before)
    }

    pub(super) fn end_look(&mut self) {
        self.looking = false;
    }
}
