//! How many connections each user of the Unix socket has.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// All users'. Clones share the count.
#[derive(Clone, Debug)]
pub struct Users {
    open: Arc<Mutex<HashMap<u32, usize>>>,
    most: usize,
}

/// One connection of a user's, until it is dropped.
#[derive(Debug)]
pub struct OfUser {
    uid: u32,
    of: Users,
}

impl Drop for OfUser {
    fn drop(&mut self) {
        let mut open = self.of.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.uid) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.uid);
            }
        }
    }
}

impl Users {
    /// So many for each.
    #[must_use]
    pub fn at_most(most: usize) -> Self {
        Self { open: Arc::default(), most }
    }

    /// Counts one more; none if the user has as many as it may have.
    #[must_use]
    pub fn admit(&self, uid: u32) -> Option<OfUser> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(uid).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        drop(open);
        Some(OfUser { uid, of: self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_has_its_own_number_of_connections() {
        let users = Users::at_most(2);
        let one = users.admit(33).unwrap();
        let _two = users.admit(33).unwrap();
        assert!(users.admit(33).is_none());
        let _other = users.admit(1000).unwrap();
        drop(one);
        assert!(users.admit(33).is_some());
    }
}
