//! Commands about the server.

use super::super::access::NAMES;
use super::super::connection::Connection;
use super::super::options::ClusterPolicy;
use super::super::reply::Reply;
use super::command::Command;
use super::connection::REDIS_VERSION;
use super::refusals::wrong_arity;
use super::words::{count, integer, text};
use bytes::Bytes;

/// A few lines of each section that clients and people look at.
pub(super) fn info(connection: &mut Connection, _: &[Bytes]) -> Reply {
    let (cache, node) = (&connection.cache, &connection.node);
    let keys = node.store.lock().keys().len();
    let (mode, cluster) = match cache.options.cluster_policy {
        ClusterPolicy::Oss => ("cluster", 1),
        ClusterPolicy::Enterprise => ("standalone", 0),
    };
    Reply::bulk(format!(
        "# Server\r\nredis_version:{REDIS_VERSION}\r\nredis_mode:{mode}\r\ntcp_port:{}\r\n\r\n\
         # Clients\r\nconnected_clients:{}\r\n\r\n\
         # Replication\r\nrole:master\r\nconnected_slaves:0\r\n\r\n\
         # Cluster\r\ncluster_enabled:{cluster}\r\n\r\n\
         # Keyspace\r\ndb0:keys={keys},expires=0,avg_ttl=0\r\n",
        node.port(),
        cache.clients.count(node.index),
    ))
}

/// What `COMMAND` tells of each: clients of clusters look up where its keys are.
fn described(command: &Command) -> Reply {
    let flag = |name, holds: bool| holds.then_some(Reply::Simple(name));
    let flags = [
        flag("readonly", command.reads()),
        flag("write", command.writes()),
        flag("pubsub", command.is_for_channels()),
        flag("no_auth", command.is_for_strangers()),
    ];
    let categories = NAMES.iter().filter(|(_, bit)| command.categories & bit != 0);
    let [first, last, step] = command.key_positions().map(|position| Reply::Int(position.into()));
    let empty = || Reply::Array(Vec::new());
    Reply::Array(vec![
        Reply::bulk(command.name.to_ascii_lowercase()),
        Reply::Int(command.arity.into()),
        Reply::Set(flags.into_iter().flatten().collect()),
        first,
        last,
        step,
        Reply::Set(categories.map(|(name, _)| Reply::bulk(format!("@{name}"))).collect()),
        empty(), // tips
        empty(), // key specifications
        empty(), // subcommands
    ])
}

pub(super) fn command(connection: &mut Connection, words: &[Bytes]) -> Reply {
    let commands = connection.cache.commands.commands();
    let all = || Reply::Array(commands.iter().copied().map(described).collect());
    match text(words, 1).to_ascii_uppercase().as_str() {
        "" => all(),
        "COUNT" if words.len() > 2 => wrong_arity("command|count"),
        "COUNT" => count(commands.len()),
        "DOCS" => Reply::Map(Vec::new()),
        "LIST" => Reply::Array(
            commands.iter().copied().map(|command| Reply::bulk(command.name.to_ascii_lowercase())).collect(),
        ),
        "INFO" if words.len() == 2 => all(),
        "INFO" => {
            let named = |name: &Bytes| {
                commands
                    .iter()
                    .copied()
                    .find(|command| command.name.as_bytes().eq_ignore_ascii_case(name))
                    .map_or(Reply::NullArray, described)
            };
            Reply::Array(words.iter().skip(2).map(named).collect())
        }
        "GETKEYS" if words.len() < 4 => wrong_arity("command|getkeys"),
        "GETKEYS" => match connection.cache.commands.find(words.get(2..).unwrap_or_default()) {
            Ok(found) => {
                let request = words.get(2..).unwrap_or_default();
                Reply::Array(found.command.keys(request).cloned().map(Reply::Bulk).collect())
            }
            Err(error) => error,
        },
        _ => connection.cache.commands.refuse_subcommand(words),
    }
}

/// Nothing can be configured, and a question is answered with nothing.
pub(super) fn config(connection: &mut Connection, words: &[Bytes]) -> Reply {
    match text(words, 1).to_ascii_uppercase().as_str() {
        "GET" if words.len() < 3 => wrong_arity("config|get"),
        "GET" => Reply::Map(Vec::new()),
        _ => connection.cache.commands.refuse_subcommand(words),
    }
}

pub(super) fn acl(connection: &mut Connection, words: &[Bytes]) -> Reply {
    match text(words, 1).to_ascii_uppercase().as_str() {
        "WHOAMI" if words.len() == 2 => Reply::text(connection.session.user()),
        "CAT" => Reply::Array(NAMES.iter().map(|(name, _)| Reply::text(name)).collect()),
        _ => connection.cache.commands.refuse_subcommand(words),
    }
}

pub(super) fn role(_: &mut Connection, _: &[Bytes]) -> Reply {
    Reply::Array(vec![Reply::text("master"), Reply::Int(0), Reply::Array(Vec::new())])
}

pub(super) fn time(connection: &mut Connection, _: &[Bytes]) -> Reply {
    let now = connection.cache.clock.now();
    Reply::Array(vec![Reply::bulk(now.as_secs().to_string()), Reply::bulk(now.subsec_micros().to_string())])
}

/// There are no replicas to wait for.
pub(super) fn wait(_: &mut Connection, words: &[Bytes]) -> Reply {
    match (integer(words, 1), integer(words, 2)) {
        (Err(error), _) => error,
        (_, Err(_)) => Reply::error("ERR timeout is not an integer or out of range"),
        (_, Ok(..0)) => Reply::error("ERR timeout is negative"),
        _ => Reply::Int(0),
    }
}
