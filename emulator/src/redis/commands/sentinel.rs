//! What a client of Sentinel asks, so that such clients can be tried: any node answers for the first one, whose master is
//! called "mymaster". Neither Azure Managed Redis nor Azure Cache for Redis has a Sentinel.
//! <https://redis.io/docs/latest/develop/reference/sentinel-clients/>

use super::super::connection::Connection;
use super::super::options::ClusterPolicy;
use super::super::reply::Reply;
use super::words::{text, word};
use bytes::Bytes;

const MASTER: &str = "mymaster";

pub(super) fn sentinel(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let known = word(words, 2) == MASTER.as_bytes();
    match (text(words, 1).to_ascii_uppercase().as_str(), words.len()) {
        ("GET-MASTER-ADDR-BY-NAME", 3) if known => Reply::Array(address(connection).into()),
        ("GET-MASTER-ADDR-BY-NAME", 3) => Reply::NullArray,
        ("MASTERS", 2) => Reply::Array(vec![master(connection)]),
        ("MASTER" | "SENTINELS" | "REPLICAS" | "SLAVES", 3) if !known => {
            Reply::error("ERR No such master with that name")
        }
        ("MASTER", 3) => master(connection),
        ("SENTINELS" | "REPLICAS" | "SLAVES", 3) => Reply::Array(Vec::new()),
        _ => connection.cache.commands.refuse_subcommand(words),
    }
}

fn master(connection: &Connection) -> Reply {
    let entry = |key: &str, value: Reply| (Reply::text(key), value);
    let [host, port] = address(connection);
    Reply::Map(vec![
        entry("name", Reply::text(MASTER)),
        entry("ip", host),
        entry("port", port),
        entry("flags", Reply::text("master")),
        entry("num-slaves", Reply::text("0")),
        entry("num-other-sentinels", Reply::text("0")),
        entry("quorum", Reply::text("1")),
    ])
}

/// Host and port, both as text.
fn address(connection: &Connection) -> [Reply; 2] {
    let cache = &connection.cache;
    let host = match cache.options.cluster_policy {
        ClusterPolicy::Oss => cache.topology.announced(),
        ClusterPolicy::Enterprise => "localhost",
    };
    let port = cache.topology.nodes.first().map_or(0, |node| node.port());
    [Reply::text(host), Reply::bulk(port.to_string())]
}
