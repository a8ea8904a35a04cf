//! The categories of commands. <https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/>

/// A set of categories.
pub(in crate::redis) type Categories = u32;

pub(in crate::redis) const KEYSPACE: Categories = 1;
pub(in crate::redis) const READ: Categories = 1 << 1;
pub(in crate::redis) const WRITE: Categories = 1 << 2;
pub(in crate::redis) const SET: Categories = 1 << 3;
pub(in crate::redis) const LIST: Categories = 1 << 4;
pub(in crate::redis) const HASH: Categories = 1 << 5;
pub(in crate::redis) const STRING: Categories = 1 << 6;
pub(in crate::redis) const PUBSUB: Categories = 1 << 7;
pub(in crate::redis) const ADMIN: Categories = 1 << 8;
pub(in crate::redis) const FAST: Categories = 1 << 9;
pub(in crate::redis) const SLOW: Categories = 1 << 10;
pub(in crate::redis) const BLOCKING: Categories = 1 << 11;
pub(in crate::redis) const DANGEROUS: Categories = 1 << 12;
pub(in crate::redis) const CONNECTION: Categories = 1 << 13;
pub(in crate::redis) const TRANSACTION: Categories = 1 << 14;

/// Every category that Redis has; those without commands here have no bit.
pub(in crate::redis) const NAMES: [(&str, Categories); 21] = [
    ("keyspace", KEYSPACE),
    ("read", READ),
    ("write", WRITE),
    ("set", SET),
    ("list", LIST),
    ("hash", HASH),
    ("string", STRING),
    ("pubsub", PUBSUB),
    ("admin", ADMIN),
    ("fast", FAST),
    ("slow", SLOW),
    ("blocking", BLOCKING),
    ("dangerous", DANGEROUS),
    ("connection", CONNECTION),
    ("transaction", TRANSACTION),
    ("sortedset", 0),
    ("bitmap", 0),
    ("hyperloglog", 0),
    ("geo", 0),
    ("stream", 0),
    ("scripting", 0),
];
