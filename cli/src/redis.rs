//! The options of `entrakey emulator` about its Redis.

use crate::number::port;
use clap::{Args, ValueEnum};
use entrakey_emulator::{ClusterPolicy, Dialect, Family, RedisOptions};

#[derive(Args)]
#[command(next_help_heading = "Redis")]
pub(crate) struct RedisArguments {
    /// Port of the Redis (TLS); 0 takes a free one.
    #[arg(long, default_value_t = 0, value_name = "PORT", value_parser = port)]
    redis_port: u16,
    /// Take Azure's own ports for the Redis: 10000 and 8500 onwards (amr), 6380 and 15000 onwards (classic).
    #[arg(long)]
    azure_ports: bool,
    /// Which cache it is: its host name, blocked commands, ports and texts.
    #[arg(long, value_enum, default_value_t = FamilyName::Amr)]
    family: FamilyName,
    /// How the data is spread, as the client sees it.
    #[arg(long, value_enum, default_value_t = PolicyName::Enterprise)]
    cluster_policy: PolicyName,
    /// How many nodes a cluster has (--cluster-policy oss).
    #[arg(long, default_value_t = 3, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=64))]
    nodes: u16,
    /// What the nodes of a cluster call themselves. The certificate does not cover it, as in Azure: the client has to
    /// map it to the public name, or to verify that. One of loopback (127.x.y.z) is listened on as well.
    #[arg(long, default_value = "127.0.2.4", value_name = "ADDRESS")]
    announce: String,
    /// How a refused AUTH is answered; the family's if not given.
    #[arg(long, value_enum)]
    dialect: Option<DialectName>,
    /// Take access keys besides tokens; GET /emulator/redis/access_keys shows them.
    #[arg(long)]
    access_keys: bool,
    /// A port without TLS beside the others, as Azure Cache for Redis may have: it lets nobody in; 0 takes a free one.
    #[arg(long, value_name = "PORT", value_parser = port)]
    plain_port: Option<u16>,
    /// A real Redis or Valkey behind the gate: redis://[user:password@]host:port. Its own port has no TLS; nobody
    /// else should reach it.
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum FamilyName {
    /// Azure Managed Redis
    Amr,
    /// Azure Cache for Redis
    Classic,
}

#[derive(Clone, Copy, ValueEnum)]
enum PolicyName {
    /// One endpoint; CLUSTER is refused
    Enterprise,
    /// Several nodes that announce internal addresses; MOVED
    Oss,
}

#[derive(Clone, Copy, ValueEnum)]
enum DialectName {
    /// WRONGPASS invalid username-password pair or user is disabled.
    Oss,
    /// ERR WRONGPASS invalid username-password pair
    Classic,
}

impl From<RedisArguments> for RedisOptions {
    fn from(given: RedisArguments) -> Self {
        Self {
            port: given.redis_port,
            azure_ports: given.azure_ports,
            family: match given.family {
                FamilyName::Amr => Family::Amr,
                FamilyName::Classic => Family::Classic,
            },
            cluster_policy: match given.cluster_policy {
                PolicyName::Enterprise => ClusterPolicy::Enterprise,
                PolicyName::Oss => ClusterPolicy::Oss,
            },
            nodes: given.nodes,
            announce: given.announce,
            dialect: given.dialect.map(|dialect| match dialect {
                DialectName::Oss => Dialect::Oss,
                DialectName::Classic => Dialect::Classic,
            }),
            access_keys: given.access_keys,
            plain_port: given.plain_port,
            proxy: given.proxy,
        }
    }
}
