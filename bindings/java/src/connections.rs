//! A listener's registration and the connections of its client, by the numbers that Java knows them by.

use crate::messages::{Message, Messages};
use entrakey_core::{Connection, Error, Provider, Rejection, Subscription};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Of one provider.
#[derive(Default)]
pub(crate) struct Books(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    last: i64,
    subscriptions: HashMap<i64, Subscription>,
    connections: HashMap<i64, Arc<Connection>>,
}

impl Entries {
    fn next(&mut self) -> i64 {
        self.last += 1;
        self.last
    }
}

impl Books {
    /// From now on each newer token is news for the subscription of the number that is returned.
    pub(crate) fn subscribe(&self, provider: &Provider, messages: &Arc<Messages>) -> Result<i64, Error> {
        let subscription = self.lock().next();
        let messages = messages.clone();
        let registration = provider.subscribe(move |_| messages.put(Message::News { subscription }))?;
        self.lock().subscriptions.insert(subscription, registration);
        Ok(subscription)
    }

    pub(crate) fn unsubscribe(&self, subscription: i64) {
        let ended = self.lock().subscriptions.remove(&subscription);
        drop(ended);
    }

    pub(crate) fn acknowledge(&self, subscription: i64, version: u64, accepted: bool) {
        if let Some(subscription) = self.lock().subscriptions.get(&subscription) {
            subscription.ack(version, accepted);
        }
    }

    /// The number of a connection that is about to authenticate; 0, which no connection has, if the subscription has
    /// ended.
    pub(crate) fn opened(&self, subscription: i64, version: u64) -> i64 {
        let mut entries = self.lock();
        let Some(connection) = entries.subscriptions.get(&subscription).map(|s| s.opened(version)) else {
            return 0;
        };
        let number = entries.next();
        entries.connections.insert(number, Arc::new(connection));
        number
    }

    pub(crate) fn authenticated(&self, connection: i64, version: u64) {
        if let Some(connection) = self.connection(connection) {
            connection.authenticated(version);
        }
    }

    /// None if the connection is not known, or not any more.
    pub(crate) fn refused(
        &self,
        connection: i64,
        version: u64,
        message: &str,
    ) -> Option<Result<Rejection, Error>> {
        self.connection(connection).map(|connection| connection.refused(version, message))
    }

    pub(crate) fn is_behind(&self, connection: i64, version: u64) -> bool {
        self.connection(connection).is_some_and(|connection| connection.is_behind(version))
    }

    pub(crate) fn closed(&self, connection: i64) {
        let closed = self.lock().connections.remove(&connection);
        drop(closed); // which tells the core, after the lock is released
    }

    /// The provider was closed.
    pub(crate) fn close(&self) {
        let entries = std::mem::take(&mut *self.lock());
        drop(entries);
    }

    fn connection(&self, number: i64) -> Option<Arc<Connection>> {
        self.lock().connections.get(&number).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
