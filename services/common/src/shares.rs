//! How many connections each of those has that share a service: none of them can hold all that there are.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// All of them, by who holds them. Clones share the count.
#[derive(Debug)]
pub struct Shares<H: Eq + Hash> {
    open: Arc<Mutex<HashMap<H, usize>>>,
    most: usize,
}

/// One connection of somebody's, until it is dropped.
#[derive(Debug)]
pub struct Share<H: Eq + Hash> {
    /// Whose it is.
    pub of: H,
    all: Shares<H>,
}

impl<H: Eq + Hash> Clone for Shares<H> {
    fn clone(&self) -> Self {
        Self { open: self.open.clone(), most: self.most }
    }
}

impl<H: Eq + Hash> Drop for Share<H> {
    fn drop(&mut self) {
        let mut open = self.all.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.of);
            }
        }
    }
}

impl<H: Eq + Hash + Clone> Shares<H> {
    /// So many for each.
    #[must_use]
    pub fn at_most(most: usize) -> Self {
        Self { open: Arc::default(), most }
    }

    /// Counts one more; none if there are as many as each may have.
    #[must_use]
    pub fn admit(&self, holder: H) -> Option<Share<H>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(holder.clone()).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        drop(open);
        Some(Share { of: holder, all: self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_own_number_of_connections() {
        let shares = Shares::at_most(2);
        let one = shares.admit("web").unwrap();
        let _two = shares.admit("web").unwrap();
        assert!(shares.admit("web").is_none());
        let _other = shares.admit("worker").unwrap();
        drop(one);
        assert!(shares.admit("web").is_some());
    }
}
