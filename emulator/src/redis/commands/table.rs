//! Every command that there is here. Categories and arities are those of Redis 7.4.

use super::super::access::*;
use super::super::connection::Connection;
use super::catalogue::Catalogue;
use super::command::{Found, Keys};
use super::refusals::unknown;
use super::row::{Outcome, Row};
use super::{
    cluster, connection, hashes, keys, lists, pubsub, sentinel, server, sets, strings, transactions,
};
use bytes::Bytes;
use std::sync::LazyLock;

const ALL: Keys = Keys::ALL;
const NONE: Keys = Keys::NONE;
const FIRST: Keys = Keys::FIRST;

const LISTED: Categories = ADMIN | DANGEROUS | SLOW | CONNECTION;
const OWN: Categories = CONNECTION | SLOW;

/// What the table says about its commands.
pub(in crate::redis) static CATALOGUE: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::new(TABLE.iter().map(|row| &row.command)));

/// Runs the command that was found for a request.
pub(in crate::redis) fn run(found: &Found, connection: &mut Connection, words: &[Bytes]) -> Outcome {
    match TABLE.get(found.index) {
        Some(row) => row.run(connection, words),
        None => Outcome::Reply(unknown(words)),
    }
}

static TABLE: &[Row] = &[
    Row::new("AUTH", -2, CONNECTION | FAST, NONE, connection::auth).for_strangers(),
    Row::new("HELLO", -1, CONNECTION | FAST, NONE, connection::hello).for_strangers(),
    Row::new("QUIT", -1, CONNECTION | FAST, NONE, connection::quit).for_strangers().for_subscribers(),
    Row::new("RESET", 1, CONNECTION | FAST, NONE, connection::reset).for_strangers().for_subscribers(),
    Row::new("PING", -1, CONNECTION | FAST, NONE, connection::ping).for_subscribers(),
    Row::new("ECHO", 2, CONNECTION | FAST, NONE, connection::echo),
    Row::new("SELECT", 2, CONNECTION | FAST, NONE, connection::select),
    Row::new("CLIENT", -2, OWN, NONE, connection::client).subcommands(&[
        ("ID", OWN),
        ("INFO", OWN),
        ("GETNAME", OWN),
        ("SETNAME", OWN),
        ("SETINFO", OWN),
        ("NO-EVICT", LISTED),
        ("NO-TOUCH", OWN),
        ("LIST", LISTED),
        ("KILL", LISTED),
        ("UNBLOCK", LISTED),
        ("TRACKING", OWN),
        ("CACHING", OWN),
    ]),
    Row::new("ACL", -2, ADMIN | DANGEROUS | SLOW, NONE, server::acl).subcommands(&[
        ("WHOAMI", SLOW),
        ("CAT", SLOW),
        ("SETUSER", ADMIN | DANGEROUS | SLOW),
    ]),
    Row::new("COMMAND", -1, OWN, NONE, server::command),
    Row::new("CONFIG", -2, ADMIN | DANGEROUS | SLOW, NONE, server::config),
    Row::new("INFO", -1, SLOW | DANGEROUS, NONE, server::info),
    Row::new("ROLE", 1, ADMIN | FAST | DANGEROUS, NONE, server::role),
    Row::new("TIME", 1, FAST, NONE, server::time),
    Row::new("WAIT", 3, SLOW | BLOCKING | CONNECTION, NONE, server::wait),
    Row::new("CLUSTER", -2, SLOW, NONE, cluster::cluster).subcommands(&[
        ("INFO", SLOW),
        ("NODES", SLOW),
        ("SLOTS", SLOW),
        ("SHARDS", SLOW),
        ("MYID", SLOW),
        ("KEYSLOT", SLOW),
        ("COUNTKEYSINSLOT", SLOW),
        ("HELP", SLOW),
    ]),
    Row::new("SENTINEL", -2, ADMIN | SLOW | DANGEROUS, NONE, sentinel::sentinel),
    Row::new("READONLY", 1, CONNECTION | FAST, NONE, cluster::ok),
    Row::new("READWRITE", 1, CONNECTION | FAST, NONE, cluster::ok),
    Row::new("ASKING", 1, CONNECTION | FAST, NONE, cluster::ok),
    Row::new("MULTI", 1, FAST | TRANSACTION, NONE, transactions::multi),
    Row::new("EXEC", 1, SLOW | TRANSACTION, NONE, transactions::exec),
    Row::new("DISCARD", 1, FAST | TRANSACTION, NONE, transactions::discard),
    Row::new("WATCH", -2, FAST | TRANSACTION, ALL, transactions::watch),
    Row::new("UNWATCH", 1, FAST | TRANSACTION, NONE, transactions::unwatch),
    Row::new("SUBSCRIBE", -2, PUBSUB | SLOW, NONE, pubsub::subscribe).for_subscribers(),
    Row::new("UNSUBSCRIBE", -1, PUBSUB | SLOW, NONE, pubsub::unsubscribe).for_subscribers(),
    Row::new("PSUBSCRIBE", -2, PUBSUB | SLOW, NONE, pubsub::psubscribe).for_subscribers(),
    Row::new("PUNSUBSCRIBE", -1, PUBSUB | SLOW, NONE, pubsub::punsubscribe).for_subscribers(),
    Row::new("SSUBSCRIBE", -2, PUBSUB | SLOW, NONE, pubsub::ssubscribe).for_subscribers(),
    Row::new("SUNSUBSCRIBE", -1, PUBSUB | SLOW, NONE, pubsub::sunsubscribe).for_subscribers(),
    Row::new("PUBLISH", 3, PUBSUB | FAST, NONE, pubsub::publish),
    Row::new("SPUBLISH", 3, PUBSUB | FAST, NONE, pubsub::spublish),
    Row::new("DEL", -2, KEYSPACE | WRITE | SLOW, ALL, keys::del),
    Row::new("UNLINK", -2, KEYSPACE | WRITE | FAST, ALL, keys::del),
    Row::new("EXISTS", -2, KEYSPACE | READ | FAST, ALL, keys::exists),
    Row::new("TOUCH", -2, KEYSPACE | READ | FAST, ALL, keys::exists),
    Row::new("TYPE", 2, KEYSPACE | READ | FAST, FIRST, keys::type_of),
    Row::new("EXPIRE", -3, KEYSPACE | WRITE | FAST, FIRST, keys::expire),
    Row::new("PEXPIRE", -3, KEYSPACE | WRITE | FAST, FIRST, keys::pexpire),
    Row::new("PERSIST", 2, KEYSPACE | WRITE | FAST, FIRST, keys::persist),
    Row::new("TTL", 2, KEYSPACE | READ | FAST, FIRST, keys::ttl),
    Row::new("PTTL", 2, KEYSPACE | READ | FAST, FIRST, keys::pttl),
    Row::new("KEYS", 2, KEYSPACE | READ | SLOW | DANGEROUS, NONE, keys::keys),
    Row::new("SCAN", -2, KEYSPACE | READ | SLOW, NONE, keys::scan),
    Row::new("DBSIZE", 1, KEYSPACE | READ | FAST, NONE, keys::dbsize),
    Row::new("FLUSHDB", -1, KEYSPACE | WRITE | SLOW | DANGEROUS, NONE, keys::flush),
    Row::new("FLUSHALL", -1, KEYSPACE | WRITE | SLOW | DANGEROUS, NONE, keys::flush),
    Row::new("GET", 2, STRING | READ | FAST, FIRST, strings::get),
    Row::new("MGET", -2, STRING | READ | FAST, ALL, strings::mget),
    Row::new("STRLEN", 2, STRING | READ | FAST, FIRST, strings::strlen),
    Row::new("SET", -3, STRING | WRITE | SLOW, FIRST, strings::set),
    Row::new("SETNX", 3, STRING | WRITE | FAST, FIRST, strings::setnx),
    Row::new("SETEX", 4, STRING | WRITE | SLOW, FIRST, strings::setex),
    Row::new("PSETEX", 4, STRING | WRITE | SLOW, FIRST, strings::psetex),
    Row::new("MSET", -3, STRING | WRITE | SLOW, Keys::EVERY_OTHER, strings::mset),
    Row::new("GETSET", 3, STRING | WRITE | FAST, FIRST, strings::getset),
    Row::new("GETDEL", 2, STRING | WRITE | FAST, FIRST, strings::getdel),
    Row::new("APPEND", 3, STRING | WRITE | FAST, FIRST, strings::append),
    Row::new("INCR", 2, STRING | WRITE | FAST, FIRST, strings::incr),
    Row::new("DECR", 2, STRING | WRITE | FAST, FIRST, strings::decr),
    Row::new("INCRBY", 3, STRING | WRITE | FAST, FIRST, strings::incrby),
    Row::new("DECRBY", 3, STRING | WRITE | FAST, FIRST, strings::decrby),
    Row::new("HSET", -4, HASH | WRITE | FAST, FIRST, hashes::hset),
    Row::new("HMSET", -4, HASH | WRITE | FAST, FIRST, hashes::hmset),
    Row::new("HGET", 3, HASH | READ | FAST, FIRST, hashes::hget),
    Row::new("HMGET", -3, HASH | READ | FAST, FIRST, hashes::hmget),
    Row::new("HGETALL", 2, HASH | READ | SLOW, FIRST, hashes::hgetall),
    Row::new("HKEYS", 2, HASH | READ | SLOW, FIRST, hashes::hkeys),
    Row::new("HVALS", 2, HASH | READ | SLOW, FIRST, hashes::hvals),
    Row::new("HLEN", 2, HASH | READ | FAST, FIRST, hashes::hlen),
    Row::new("HEXISTS", 3, HASH | READ | FAST, FIRST, hashes::hexists),
    Row::new("HDEL", -3, HASH | WRITE | FAST, FIRST, hashes::hdel),
    Row::new("HINCRBY", 4, HASH | WRITE | FAST, FIRST, hashes::hincrby),
    Row::new("LPUSH", -3, LIST | WRITE | FAST, FIRST, lists::lpush),
    Row::new("RPUSH", -3, LIST | WRITE | FAST, FIRST, lists::rpush),
    Row::new("LPOP", -2, LIST | WRITE | FAST, FIRST, lists::lpop),
    Row::new("RPOP", -2, LIST | WRITE | FAST, FIRST, lists::rpop),
    Row::new("LLEN", 2, LIST | READ | FAST, FIRST, lists::llen),
    Row::new("LRANGE", 4, LIST | READ | SLOW, FIRST, lists::lrange),
    Row::new("LREM", 4, LIST | WRITE | SLOW, FIRST, lists::lrem),
    Row::new("LTRIM", 4, LIST | WRITE | SLOW, FIRST, lists::ltrim),
    Row::new("LMOVE", 5, LIST | WRITE | SLOW, Keys::FIRST_TWO, lists::lmove),
    Row::new("RPOPLPUSH", 3, LIST | WRITE | SLOW, Keys::FIRST_TWO, lists::rpoplpush),
    Row::waiting("BLPOP", -3, LIST | WRITE | SLOW | BLOCKING, Keys::ALL_BUT_LAST, lists::blpop),
    Row::waiting("BRPOP", -3, LIST | WRITE | SLOW | BLOCKING, Keys::ALL_BUT_LAST, lists::brpop),
    Row::waiting("BLMOVE", 6, LIST | WRITE | SLOW | BLOCKING, Keys::FIRST_TWO, lists::blmove),
    Row::waiting("BRPOPLPUSH", 4, LIST | WRITE | SLOW | BLOCKING, Keys::FIRST_TWO, lists::brpoplpush),
    Row::new("SADD", -3, SET | WRITE | FAST, FIRST, sets::sadd),
    Row::new("SREM", -3, SET | WRITE | FAST, FIRST, sets::srem),
    Row::new("SMEMBERS", 2, SET | READ | SLOW, FIRST, sets::smembers),
    Row::new("SUNION", -2, SET | READ | SLOW, ALL, sets::sunion),
    Row::new("SISMEMBER", 3, SET | READ | FAST, FIRST, sets::sismember),
    Row::new("SCARD", 2, SET | READ | FAST, FIRST, sets::scard),
];
