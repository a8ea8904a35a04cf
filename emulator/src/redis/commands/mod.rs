//! The commands: one table, and one file for each kind.

mod catalogue;
mod cluster;
mod command;
pub(super) mod connection;
mod expiry;
mod hashes;
mod keys;
mod lists;
mod pubsub;
mod refusals;
mod row;
mod sentinel;
mod server;
mod sets;
mod strings;
mod table;
mod tracking;
mod transactions;
mod words;

pub(super) use catalogue::Catalogue;
pub(super) use command::{Command, Found};
pub(super) use refusals::{only_for_subscribers, unknown};
pub(super) use row::Outcome;
pub(super) use table::{CATALOGUE, run};
