//! How many connections each user of the Unix socket has, and each client service of App Service's endpoint: none of them
//! can hold all that there are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Whose connections are counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    /// A user of the Unix socket.
    User(u32),
    /// A client service, by its name: it stays the same when the files are read again.
    Client(String),
}

/// All of them. Clones share the count.
#[derive(Clone, Debug)]
pub(crate) struct Shares {
    open: Arc<Mutex<HashMap<Holder, usize>>>,
    most: usize,
}

/// One connection of somebody's, until it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    pub(crate) of: Holder,
    all: Shares,
}

impl Drop for Share {
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

impl Shares {
    /// So many for each.
    pub(crate) fn at_most(most: usize) -> Self {
        Self { open: Arc::default(), most }
    }

    /// Counts one more; none if there are as many as each may have.
    pub(crate) fn admit(&self, holder: Holder) -> Option<Share> {
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
    fn each_user_and_each_client_has_its_own_number_of_connections() {
        let shares = Shares::at_most(2);
        let one = shares.admit(Holder::User(33)).unwrap();
        let _two = shares.admit(Holder::User(33)).unwrap();
        assert!(shares.admit(Holder::User(33)).is_none());
        let _others =
            (shares.admit(Holder::User(1000)).unwrap(), shares.admit(Holder::Client("33".into())).unwrap());
        drop(one);
        assert!(shares.admit(Holder::User(33)).is_some());
    }
}
