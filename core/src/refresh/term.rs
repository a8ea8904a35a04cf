//! Until when connections may stay on a token.

use super::policy::{Life, Policy};
use std::collections::BTreeMap;
use std::time::Duration;

/// A token's version, and until when connections may stay on it. Times on the boot clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    pub(super) version: u64,
    /// By when each connection on it has to be told of a newer token: expiry less the margin.
    pub(super) deadline: Duration,
    /// Over how long re-authentications are spread.
    pub(super) spread: Duration,
}

impl Term {
    pub(super) fn new(version: u64, end: Duration, life: Life, policy: &Policy) -> Self {
        Self { version, deadline: end.saturating_sub(policy.margin(life)), spread: policy.spread(life) }
    }
}

/// The terms of the newest token, of older ones as long as a connection is on them, and of those whose deadline is to
/// come: a connection may be in its handshake with one.
#[derive(Default)]
pub(super) struct Terms(BTreeMap<u64, Term>);

impl Terms {
    /// The deadline of a version that was forgotten is over.
    pub(super) fn get(&self, version: u64) -> Term {
        let over = Term { version, deadline: Duration::ZERO, spread: Duration::ZERO };
        self.0.get(&version).copied().unwrap_or(over)
    }

    pub(super) fn add(&mut self, newest: Term) {
        self.0.insert(newest.version, newest);
    }

    pub(super) fn forget_before(&mut self, version: u64, now: Duration) {
        self.0.retain(|known, term| *known >= version || now < term.deadline);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_kept_while_a_connection_is_on_it_or_its_deadline_is_to_come() {
        let at = Duration::from_secs;
        let mut terms = Terms::default();
        for (version, deadline) in [(1, 400), (2, 200), (3, 100), (4, 100)] {
            terms.add(Term { version, deadline: at(deadline), spread: Duration::ZERO });
        }
        let deadlines = |terms: &Terms| [1, 2, 3, 4].map(|version| terms.get(version).deadline.as_secs());
        terms.forget_before(3, at(199));
        assert_eq!(deadlines(&terms), [400, 200, 100, 100]);
        terms.forget_before(3, at(200));
        assert_eq!((deadlines(&terms), terms.len()), ([400, 0, 100, 100], 3), "nobody is on the second");
    }
}
