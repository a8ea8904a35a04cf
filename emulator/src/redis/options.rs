//! Which of Azure's caches the Redis plane is.

/// Azure has two caches, which differ in ports, names, blocked commands and texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// Azure Managed Redis.
    #[default]
    Amr,
    /// Azure Cache for Redis: Basic, Standard and Premium.
    Classic,
}

/// How the data is spread, as the client sees it.
/// <https://learn.microsoft.com/azure/redis/architecture#cluster-policies>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClusterPolicy {
    /// One endpoint for everything. `CLUSTER` is refused.
    #[default]
    Enterprise,
    /// Several nodes, which announce internal addresses. The client has to know about clusters.
    Oss,
}

/// In which words a refused AUTH is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `WRONGPASS invalid username-password pair or user is disabled.`
    Oss,
    /// `ERR WRONGPASS invalid username-password pair`, as Azure Cache for Redis has been seen to say it: a client
    /// that looks at the first word takes it for some other error.
    Classic,
}

/// How the Redis plane is made.
#[derive(Clone, Debug)]
pub struct RedisOptions {
    /// Port of the endpoint; 0 takes a free one.
    pub port: u16,
    /// Takes the ports that Azure uses where none is given: 10000 and 8500 onwards, or 6380 and 15000 onwards.
    pub azure_ports: bool,
    /// Which cache it is.
    pub family: Family,
    /// How the data is spread.
    pub cluster_policy: ClusterPolicy,
    /// How many nodes a cluster has.
    pub nodes: u16,
    /// What the nodes of a cluster call themselves. The certificate does not cover it, as in Azure.
    pub announce: String,
    /// How a refused AUTH is answered; as the family does it if not given.
    pub dialect: Option<Dialect>,
    /// Whether access keys are taken besides tokens.
    pub access_keys: bool,
    /// A port without TLS beside the others, as Azure Cache for Redis may have; 0 takes a free one.
    pub plain_port: Option<u16>,
    /// A real Redis behind the gate, `redis://[user:password@]host:port`, instead of the one in this process.
    pub proxy: Option<String>,
}

/// An address of loopback that no certificate names: it stands for the internal ones that Azure's nodes announce,
/// and nothing that forgets to map it leaves the machine.
const INTERNAL_ADDRESS: &str = "127.0.2.4";

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            port: 0,
            azure_ports: false,
            family: Family::default(),
            cluster_policy: ClusterPolicy::default(),
            nodes: 3,
            announce: INTERNAL_ADDRESS.to_owned(),
            dialect: None,
            access_keys: false,
            plain_port: None,
            proxy: None,
        }
    }
}

impl RedisOptions {
    pub(super) fn dialect(&self) -> Dialect {
        self.dialect.unwrap_or(match self.family {
            Family::Amr => Dialect::Oss,
            Family::Classic => Dialect::Classic,
        })
    }

    /// The endpoint's.
    pub(crate) fn endpoint_port(&self) -> u16 {
        match (self.port, self.azure_ports, self.family) {
            (0, true, Family::Amr) => 10_000,
            (0, true, Family::Classic) => 6380,
            (port, ..) => port,
        }
    }

    /// The port of a cluster's node; 0 takes a free one.
    pub(super) fn node_port(&self, index: u16) -> u16 {
        match (self.azure_ports, self.family) {
            (false, _) => 0,
            (true, Family::Amr) => 8500 + index,
            (true, Family::Classic) => 15_000 + index,
        }
    }
}

impl Family {
    /// The name by which a client would know the cache; the certificate covers it.
    #[must_use]
    pub const fn host_name(self) -> &'static str {
        match self {
            Self::Amr => "emulated.westeurope.redis.azure.net",
            Self::Classic => "emulated.redis.cache.windows.net",
        }
    }

    /// Commands, and subcommands as `acl|setuser`, that are refused as if they did not exist.
    /// <https://learn.microsoft.com/azure/azure-cache-for-redis/cache-configure#redis-commands-not-supported-in-azure-cache-for-redis>,
    /// <https://redis.io/docs/latest/operate/rs/references/compatibility/commands/>
    pub(super) fn blocked(self) -> impl Iterator<Item = &'static str> {
        let own = match self {
            Self::Amr => BLOCKED_BY_AMR.as_slice(),
            Self::Classic => BLOCKED_BY_CLASSIC.as_slice(),
        };
        BLOCKED_BY_BOTH.iter().chain(own).copied()
    }

    /// Whether a request of these two words is one of them.
    pub(super) fn is_blocked(self, first: &[u8], second: &[u8]) -> bool {
        self.blocked().any(|blocked| is_command(blocked, first, second))
    }
}

/// Whether the words are the command, or `command|subcommand`.
pub(super) fn is_command(command: &str, first: &[u8], second: &[u8]) -> bool {
    let Some((name, rest)) = command.as_bytes().split_at_checked(first.len()) else { return false };
    name.eq_ignore_ascii_case(first)
        && match rest {
            [] => true,
            [b'|', subcommand @ ..] => subcommand.eq_ignore_ascii_case(second),
            _ => false,
        }
}

const BLOCKED_BY_BOTH: [&str; 10] = [
    "bgrewriteaof",
    "bgsave",
    "debug",
    "migrate",
    "psync",
    "replicaof",
    "save",
    "shutdown",
    "slaveof",
    "sync",
];
const BLOCKED_BY_AMR: [&str; 11] = [
    "swapdb",
    "failover",
    "replconf",
    "module",
    "acl|setuser",
    "acl|deluser",
    "acl|load",
    "acl|save",
    "acl|log",
    "acl|genpass",
    "acl|dryrun",
];
const BLOCKED_BY_CLASSIC: [&str; 2] = ["acl", "config"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_has_its_ports_and_its_blocked_commands() {
        let azure = |family| RedisOptions { azure_ports: true, family, ..RedisOptions::default() };
        assert_eq!((azure(Family::Amr).endpoint_port(), azure(Family::Amr).node_port(2)), (10_000, 8502));
        assert_eq!(
            (azure(Family::Classic).endpoint_port(), azure(Family::Classic).node_port(0)),
            (6380, 15_000)
        );
        assert_eq!(RedisOptions { port: 7, ..azure(Family::Amr) }.endpoint_port(), 7);
        assert_eq!((RedisOptions::default().endpoint_port(), RedisOptions::default().node_port(1)), (0, 0));
        assert!(Family::Classic.is_blocked(b"config", b"GET") && !Family::Amr.is_blocked(b"CONFIG", b"GET"));
        assert!(Family::Amr.is_blocked(b"ACL", b"SETUSER") && !Family::Amr.is_blocked(b"acl", b"whoami"));
        assert!(Family::Amr.is_blocked(b"ACL", b"DelUser") && !Family::Amr.is_blocked(b"acl", b""));
        assert!(Family::Classic.is_blocked(b"ACL", b"WHOAMI"));
        assert!(!Family::Amr.is_blocked(b"", b"") && !Family::Amr.is_blocked(b"sav", b"e"));
        assert!(!Family::Amr.is_blocked(b"GET", b"") && !Family::Classic.is_blocked(b"CLUSTER", b"SLOTS"));
    }
}
