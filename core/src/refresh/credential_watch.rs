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

    /// Whether the credential is to be tried at once: it is still refused, and its file is there and another than before.
    pub(super) fn end_look(&mut self, is_refused: bool, before: &Stamp, seen: Option<&Stamp>) -> bool {
        self.looking = false;
        is_refused && seen.is_some_and(|seen| seen != before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1000);

    fn of_a_file() -> CredentialWatch {
        let mut watch = CredentialWatch::default();
        watch.request_starts(Some(Stamp::default()));
        watch
    }

    #[test]
    fn the_file_of_a_refused_credential_is_looked_at_every_two_seconds_whatever_happens_in_between() {
        let mut watch = of_a_file();
        assert_eq!(watch.alarm(false, NOW), None, "nothing is refused");
        assert_eq!(watch.alarm(true, NOW), Some(NOW + INTERVAL));
        assert_eq!(watch.alarm(true, NOW + INTERVAL / 2), Some(NOW + INTERVAL), "not put off");
        assert_eq!(watch.begin_look(true, NOW + INTERVAL / 2), None, "not yet");
        assert_eq!(watch.begin_look(true, NOW + INTERVAL), Some(Stamp::default()));
        assert_eq!(watch.alarm(true, NOW + INTERVAL), Some(NOW + 2 * INTERVAL));
        assert_eq!(watch.alarm(false, NOW + INTERVAL), None, "it is taken now");
    }

    #[test]
    fn a_credential_that_is_in_no_file_is_not_looked_for() {
        let mut watch = of_a_file();
        watch.request_starts(None);
        assert_eq!(watch.alarm(true, NOW), None);
        assert_eq!(watch.begin_look(true, NOW + INTERVAL), None);
    }

    #[test]
    fn there_is_one_look_at_a_time_and_none_when_the_credential_is_taken() {
        let mut watch = of_a_file();
        let mut due = |is_refused, before: &mut dyn FnMut(&mut CredentialWatch)| {
            watch.alarm(true, NOW);
            before(&mut watch);
            watch.begin_look(is_refused, NOW + INTERVAL).is_some()
        };
        assert!(!due(false, &mut |_| ()), "taken meanwhile");
        assert!(due(true, &mut |_| ()));
        assert!(!due(true, &mut |_| ()), "the file system hangs");
        assert!(due(true, &mut |watch| _ = watch.end_look(true, &Stamp::default(), None)), "it has answered");
    }

    #[test]
    fn a_refused_credential_is_tried_at_once_only_if_its_file_has_changed() {
        let (before, another) = (Stamp::default(), Stamp::of_a_file());
        let tried = |is_refused, seen| of_a_file().end_look(is_refused, &before, seen);
        assert!(tried(true, Some(&another)));
        assert!(!tried(true, Some(&before)), "else it would be asked for every two seconds");
        assert!(!tried(true, None), "it could not be looked at");
        assert!(!tried(false, Some(&another)), "it is taken meanwhile");
    }
}
