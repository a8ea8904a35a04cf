//! One connection: reads requests, answers them in order, delivers messages, and ends when its token does.

mod admission;
mod conversation;
mod deadline;
mod ending;
mod execution;
mod output;
mod tracking;
mod transaction;
mod wire;

pub(super) use admission::NO_AUTH;
pub(super) use conversation::run;
pub(super) use deadline::{sleep_until, until};
pub(super) use ending::Ending;
pub(super) use output::SubscriberLimit;
pub(super) use tracking::{TrackingMode, TrackingState};
pub(super) use transaction::{Transaction, aborted};
pub(super) use wire::{Step, Wire};

use super::cache::Cache;
use super::clients::Client;
use super::cluster::Node;
use super::pubsub::Subscriptions;
use super::reply::Reply;
use super::session::Session;
use std::sync::Arc;
use tokio::sync::mpsc;

/// A connection, as the commands see it that came over it.
pub(super) struct Connection {
    pub(super) client: Arc<Client>,
    pub(super) cache: Arc<Cache>,
    pub(super) node: Arc<Node>,
    pub(super) session: Session,
    /// RESP 2 or 3.
    pub(super) protocol: u8,
    pub(super) subscriptions: Subscriptions,
    pub(super) transaction: Transaction,
    pub(super) tracking: TrackingState,
    /// Takes the messages that are published to this connection.
    pub(super) outbox: mpsc::UnboundedSender<Reply>,
    /// The client asked to be let go.
    pub(super) quitting: bool,
}

impl Connection {
    fn new(
        cache: Arc<Cache>,
        node: Arc<Node>,
        client: Arc<Client>,
        outbox: mpsc::UnboundedSender<Reply>,
    ) -> Self {
        Self {
            client,
            cache,
            node,
            session: Session::default(),
            protocol: 2,
            subscriptions: Subscriptions::default(),
            transaction: Transaction::default(),
            tracking: TrackingState::default(),
            outbox,
            quitting: false,
        }
    }
}
