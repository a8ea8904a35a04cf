//! Transactions.

use super::super::connection::Connection;
use super::super::reply::{OK, Reply};
use bytes::Bytes;

pub(super) fn multi(connection: &mut Connection, _: &[Bytes]) -> Reply {
    if connection.transaction.is_open() {
        return Reply::error("ERR MULTI calls can not be nested");
    }
    connection.transaction.open();
    connection.show_transaction();
    OK
}

pub(super) fn exec(connection: &mut Connection, _: &[Bytes]) -> Reply {
    let reply = connection.execute();
    connection.show_transaction();
    reply
}

pub(super) fn discard(connection: &mut Connection, _: &[Bytes]) -> Reply {
    if !connection.transaction.is_open() {
        return Reply::error("ERR DISCARD without MULTI");
    }
    connection.transaction.discard();
    connection.show_transaction();
    OK
}

pub(super) fn watch(connection: &mut Connection, words: &[Bytes]) -> Reply {
    if connection.transaction.is_open() {
        return Reply::error("ERR WATCH inside MULTI is not allowed");
    }
    connection.watch(words.get(1..).unwrap_or_default());
    OK
}

pub(super) fn unwatch(connection: &mut Connection, _: &[Bytes]) -> Reply {
    connection.transaction.unwatch();
    OK
}
