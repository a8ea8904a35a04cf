//! Places for connections. There are only so many, and any user of this machine can take one: whoever has not shown that it
//! may be here makes room for a newcomer.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// The places of a service. Clones share them.
#[derive(Clone, Debug)]
pub struct Places {
    open: Arc<Mutex<VecDeque<Arc<Place>>>>,
    most: usize,
}

/// One connection's.
#[derive(Debug, Default)]
pub struct Place {
    is_kept: AtomicBool,
    given_away: Notify,
}

impl Place {
    /// From now on no newcomer takes it.
    pub fn keep(&self) {
        if !self.is_kept.load(Relaxed) {
            self.is_kept.store(true, Relaxed); // a load is cheaper than a store, and this is called for each request
        }
    }

    /// Waits until a newcomer has taken it: the connection has to end.
    pub async fn given_away(&self) {
        self.given_away.notified().await;
    }
}

/// A place that is given back when this is dropped.
#[derive(Debug)]
pub struct Taken {
    place: Arc<Place>,
    of: Places,
}

impl Taken {
    /// The place.
    #[must_use]
    pub fn place(&self) -> &Arc<Place> {
        &self.place
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut open = self.of.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = open.iter().position(|place| Arc::ptr_eq(place, &self.place)) {
            open.remove(at);
        }
    }
}

impl Places {
    /// So many at a time.
    #[must_use]
    pub fn at_most(most: usize) -> Self {
        Self { open: Arc::default(), most }
    }

    /// A place for a newcomer: a free one, or that of the oldest connection that does not keep its own. None if all are kept.
    #[must_use]
    pub fn take(&self) -> Option<Taken> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= self.most {
            let oldest = open.iter().position(|place| !place.is_kept.load(Relaxed))?;
            open.remove(oldest)?.given_away.notify_one();
        }
        let place = Arc::new(Place::default());
        open.push_back(place.clone());
        drop(open);
        Some(Taken { place, of: self.clone() })
    }

    /// How many are taken.
    #[must_use]
    pub fn count(&self) -> usize {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_newcomer_takes_the_place_of_the_oldest_that_has_not_shown_who_it_is() {
        let places = Places::at_most(2);
        let (one, two) = (places.take().unwrap(), places.take().unwrap());
        one.place().keep();
        let three = places.take().unwrap();
        two.place().given_away().await;
        assert_eq!(places.count(), 2);
        drop(two);
        assert_eq!(places.count(), 2, "its place is another's");
        three.place().keep();
        assert!(places.take().is_none(), "all are kept");
        drop(one);
        assert!(places.take().is_some());
    }
}
