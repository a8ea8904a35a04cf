//! Commands about the server.

use super::super::connection::Connection;
use super::super::reply::Reply;
use super::connection::REDIS_VERSION;
use super::text;
use bytes::Bytes;

/// A few lines of each section that clients and people look at.
pub(super) fn info(connection: &mut Connection, _: &[Bytes]) -> Reply {
    let (plane, keys) = (&connection.plane, connection.plane.store.lock().keys().len());
    Reply::bulk(format!(
        "# Server\r\nredis_version:{REDIS_VERSION}\r\nredis_mode:standalone\r\ntcp_port:{}\r\n\r\n\
         # Clients\r\nconnected_clients:{}\r\n\r\n\
         # Replication\r\nrole:master\r\nconnected_slaves:0\r\n\r\n\
         # Keyspace\r\ndb0:keys={keys},expires=0,avg_ttl=0\r\n",
        plane.port,
        plane.clients.count(),
    ))
}

/// Clients ask at connect and manage without an answer: there is nothing to tell.
pub(super) fn command(_: &mut Connection, words: &[Bytes]) -> Reply {
    match text(words, 1).to_ascii_uppercase().as_str() {
        "COUNT" => Reply::Int(super::COMMANDS.len().try_into().unwrap_or(i64::MAX)),
        "DOCS" => Reply::Map(Vec::new()),
        _ => Reply::Array(Vec::new()),
    }
}
