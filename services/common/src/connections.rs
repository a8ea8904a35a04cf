//! How many clients a service has, and may have.

use std::fmt;
use std::sync::Arc;
use tokio::sync::watch;

/// The open connections of a service. Clones share the count.
#[derive(Clone, Debug)]
pub struct Connections {
    open: Arc<watch::Sender<usize>>,
    most: Option<usize>,
}

/// There are as many connections as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// How many that is.
    pub most: usize,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "all {} connections are in use", self.most)
    }
}

impl std::error::Error for Full {}

/// One of them, until it is dropped.
#[derive(Debug)]
pub struct Open(Arc<watch::Sender<usize>>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

impl Connections {
    /// At most that many at a time; any number if not given.
    #[must_use]
    pub fn at_most(most: Option<usize>) -> Self {
        Self { open: Arc::new(watch::Sender::new(0)), most }
    }

    /// Counts one more.
    ///
    /// # Errors
    /// There are as many as there may be.
    pub fn admit(&self) -> Result<Open, Full> {
        let mut full = None;
        self.open.send_if_modified(|open| {
            full = self.most.filter(|most| *open >= *most);
            *open += usize::from(full.is_none());
            full.is_none()
        });
        match full {
            Some(most) => Err(Full { most }),
            None => Ok(Open(self.open.clone())),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        *self.open.borrow()
    }

    /// Whether another one would be refused.
    #[must_use]
    pub fn full(&self) -> Option<Full> {
        let most = self.most.filter(|most| self.count() >= *most)?;
        Some(Full { most })
    }

    /// Waits until there is none.
    pub async fn none_left(&self) {
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await; // the sender lives as long as `self`
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_more_than_there_may_be_and_one_that_ends_makes_room() {
        let connections = Connections::at_most(Some(2));
        let (one, two) = (connections.admit().unwrap(), connections.admit().unwrap());
        assert_eq!(connections.admit().unwrap_err().to_string(), "all 2 connections are in use");
        assert!(connections.full().is_some());
        drop(one);
        let three = connections.admit().unwrap();
        assert_eq!((connections.count(), connections.full()), (2, Some(Full { most: 2 })));
        drop((two, three));
        connections.none_left().await;
        assert!(Connections::at_most(None).full().is_none());
    }
}
