//! What readers see without taking a lock: the newest token and the engine that made it, of one moment.

use super::Engine;
use crate::token::Token;
use arc_swap::{ArcSwap, Guard};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// One moment of a provider. A snapshot is replaced whole, never changed.
pub(crate) struct Snapshot {
    /// The fork generation of the process that made it.
    pub(crate) generation: u64,
    pub(crate) token: Option<Arc<Token>>,
    /// None once the provider is closed.
    pub(crate) engine: Option<Arc<Engine>>,
}

/// Where a provider's newest snapshot is. Shared by the provider and its engine; the cycle between the two
/// ends when the provider is closed, which dropping it does.
pub(crate) type Published = Arc<Newest>;

/// The newest snapshot, and what is compared before every command by itself, as one plain load costs a third of
/// taking and giving back a snapshot: the version of its token, and how often there was another snapshot.
pub(crate) struct Newest {
    snapshot: ArcSwap<Snapshot>,
    version: AtomicU64,
    changes: AtomicU64,
}

impl Newest {
    pub(crate) fn new() -> Self {
        Self {
            snapshot: ArcSwap::from_pointee(Snapshot::empty()),
            version: AtomicU64::new(0),
            changes: AtomicU64::new(0),
        }
    }

    #[inline]
    pub(crate) fn load(&self) -> Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    pub(crate) fn load_full(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// The snapshot first: who sees a version finds that token or a newer one.
    pub(crate) fn store(&self, snapshot: Snapshot) {
        let version = snapshot.version();
        self.snapshot.store(Arc::new(snapshot));
        self.version.store(version, Ordering::Release);
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// Puts one with the same token in the place of `before`; false if something else is there by now.
    pub(crate) fn replace(&self, before: &Arc<Snapshot>, same_token: Snapshot) -> bool {
        let replaced = Arc::ptr_eq(&self.snapshot.compare_and_swap(before, Arc::new(same_token)), before);
        self.changes.fetch_add(1, Ordering::Release);
        replaced
    }

    /// Counts the snapshots. A reader that took the count before it loaded a snapshot has the newest one as long as
    /// the count is the same.
    #[inline]
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// The version of the token in the newest snapshot, 0 without one.
    #[inline]
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }
}

impl Snapshot {
    pub(crate) fn empty() -> Self {
        Self { generation: entrakey_sys::fork::generation(), token: None, engine: None }
    }

    fn version(&self) -> u64 {
        self.token.as_ref().map_or(0, |token| token.version())
    }

    /// Whether this process made it: what a forked child inherits must not be used.
    #[inline]
    pub(crate) fn is_ours(&self) -> bool {
        self.generation == entrakey_sys::fork::generation()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Now;
    use crate::token::Parts;
    use std::time::Duration;
    use zeroize::Zeroizing;

    fn snapshot(version: u64) -> Snapshot {
        let parts = Parts {
            secret: Zeroizing::new("s".to_owned()),
            username: "u".to_owned(),
            version,
            end: Duration::from_secs(3600),
            lifetime: Duration::from_secs(3600),
            min_validity: Duration::ZERO,
            least_fresh: Duration::ZERO,
            margin: Duration::ZERO,
            refresh_in: Duration::ZERO,
        };
        Snapshot { token: Some(Arc::new(Token::new(parts, Now::default()))), ..Snapshot::empty() }
    }

    #[test]
    fn each_snapshot_is_a_change_and_only_a_new_token_another_version() {
        let newest = Newest::new();
        assert_eq!((newest.version(), newest.changes()), (0, 0));
        newest.store(snapshot(1));
        assert_eq!((newest.version(), newest.changes()), (1, 1));
        let before = newest.load_full();
        assert!(newest.replace(&before, snapshot(1)), "a forked child's own");
        assert_eq!((newest.version(), newest.changes()), (1, 2));
        let now = newest.load_full();
        assert!(!Arc::ptr_eq(&now, &before));
        assert!(!newest.replace(&before, snapshot(1)), "another thread was first");
        assert!(Arc::ptr_eq(&newest.load_full(), &now));
        newest.store(Snapshot::empty());
        assert_eq!((newest.version(), newest.changes()), (0, 3 + 1));
    }

    #[test]
    fn who_sees_a_version_finds_its_token_or_a_newer_one() {
        const LAST: u64 = 100_000;
        let newest = Newest::new();
        std::thread::scope(|scope| {
            scope.spawn(|| (1..=LAST).for_each(|version| newest.store(snapshot(version))));
            while newest.version() < LAST {
                let (version, changes) = (newest.version(), newest.changes());
                let found = newest.load().version();
                assert!(version <= found, "version {version} was seen, token {found} found");
                assert!(changes <= found, "{changes} changes were seen, token {found} found");
            }
        });
    }

    #[test]
    fn what_another_process_made_is_not_ours() {
        let here = Snapshot::empty();
        assert!(here.is_ours());
        assert!(!Snapshot { generation: here.generation + 1, ..here }.is_ours());
    }
}
