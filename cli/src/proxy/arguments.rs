//! The options of `entrakey proxy`, named as users of cloud-sql-proxy know them.

use crate::duration::{duration, duration_above_zero};
use crate::identity::IdentityArguments;
use crate::number::{count, count_from_one, port, uid};
use crate::service::{AdminArguments, HttpArguments, OperationArguments};
use clap::{Args, FromArgMatches, Subcommand};
use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// Let Redis clients that cannot be changed use Entra: plain Redis on this machine, TLS and tokens behind.
///
/// Examples:
///
///     entrakey proxy mycache.westeurope.redis.azure.net
///     redis-cli -p 6379
///
/// Each client gets a connection of its own to the server, authenticated with the identity's token and again, unseen by
/// the client, before the token expires. A password that the client sends is not looked at, unless --password-file sets one.
///
/// Every option can be a variable, ENTRAKEY_PROXY_HTTP_PORT for --http-port, or in --config-file (http-port = 9090); what is
/// typed wins over a variable, and that over the file. A file may have several upstreams:
///
///     [[upstreams]]
///     host = "one.westeurope.redis.azure.net"
///     port = 6379
///     [[upstreams]]
///     host = "two.westeurope.redis.azure.net"
///     port = 6380
///     entrakey = { identity = "managed_identity", client_id = "..." }
///     [entrakey]
///     identity = "workload_identity"
///
/// SIGINT ends it with 130, SIGTERM with 143, `entrakey proxy shutdown` with 0. Identities, refusals and networks end it only
/// with --run-connection-test: without, each client is told.
#[derive(Args)]
#[command(verbatim_doc_comment, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(super) order: Option<Order>,
    /// The Redis. Without a port: 6380 of Azure Cache for Redis, 10000 of Azure Managed Redis.
    #[arg(value_name = "HOST[:PORT]")]
    pub(super) host: Option<String>,
    #[command(flatten)]
    pub(super) upstream: UpstreamArguments,
    #[command(flatten)]
    pub(super) process: ProcessArguments,
    #[command(flatten)]
    pub(super) identity: IdentityArguments,
}

/// What else can be done.
#[derive(Subcommand)]
pub(super) enum Order {
    Wait(WaitArguments),
    Shutdown(ShutdownArguments),
}

/// Of one upstream, in the file of each.
#[derive(Args)]
#[command(next_help_heading = "Clients")]
pub(super) struct UpstreamArguments {
    /// Where to listen: an address of this machine. Beyond loopback it takes TLS and a password.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) address: Option<String>,
    /// The port to listen on, 6379 if not given; 0 takes a free one.
    #[arg(long, value_name = "PORT", value_parser = port)]
    pub(super) port: Option<u16>,
    /// A Unix socket to listen on, instead of a port unless --address or --port is given too.
    #[arg(long, value_name = "PATH")]
    pub(super) unix_socket: Option<PathBuf>,
    /// Who may use the socket, as chmod has it: 0600 is this user only, 0660 the group too.
    #[arg(long, default_value = "0600", value_name = "MODE", value_parser = mode)]
    pub(super) unix_socket_mode: u32,
    /// Users (uids) that may use the socket; all that the mode lets in if not given.
    #[arg(long, value_name = "UID", value_delimiter = ',', value_parser = uid)]
    pub(super) allow_uid: Vec<u32>,
    /// What clients must give in AUTH. In the list of processes everybody can read it: --password-file is better.
    #[arg(long, value_name = "TEXT", conflicts_with = "password_file", value_parser = secret)]
    pub(super) password: Option<Zeroizing<String>>,
    /// A file with the password and nothing else.
    #[arg(long, value_name = "FILE")]
    pub(super) password_file: Option<PathBuf>,
    /// The certificate to show to clients (PEM, with those that vouch for it): they speak TLS then.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(super) tls_certificate: Option<PathBuf>,
    /// The private key of --tls-certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(super) tls_key: Option<PathBuf>,
    /// Listen beyond loopback without TLS or without a password: whoever reaches the port uses this identity.
    #[arg(long)]
    pub(super) insecure_bind: bool,
    /// How long a client waits for its connection to the server, the wait for a token included.
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = duration_above_zero)]
    pub(super) connect_timeout: Duration,
    /// How many authenticated connections to keep ready, so that a client need not wait for one; of a cluster, for each node.
    #[arg(long, default_value_t = 0, value_name = "NUMBER", value_parser = count)]
    pub(super) warm: usize,
}

/// Of the process.
#[derive(Args)]
#[command(next_help_heading = "Operation")]
pub(super) struct ProcessArguments {
    /// A file with these settings, with keys of the identity under "entrakey": JSON, YAML or TOML.
    #[arg(long, value_name = "FILE")]
    pub(super) config_file: Option<PathBuf>,
    /// The most clients at a time.
    #[arg(long, value_name = "NUMBER", value_parser = count_from_one)]
    pub(super) max_connections: Option<NonZeroUsize>,
    /// Connect, authenticate and PING before taking clients; end if that does not work.
    #[arg(long)]
    pub(super) run_connection_test: bool,
    #[command(flatten)]
    pub(super) operation: OperationArguments,
}

/// Wait until a proxy on this machine has started (it needs --health-check).
#[derive(Args)]
pub(super) struct WaitArguments {
    /// How long to wait.
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = duration)]
    pub(super) max: Duration,
    #[command(flatten)]
    pub(super) http: HttpArguments,
    /// The proxy's configuration file, if its port stands there.
    #[arg(long, value_name = "FILE")]
    pub(super) config_file: Option<PathBuf>,
}

/// Tell a proxy on this machine to end (it needs --quitquitquit).
#[derive(Args)]
pub(super) struct ShutdownArguments {
    #[command(flatten)]
    pub(super) admin: AdminArguments,
    /// The proxy's configuration file, if its port stands there.
    #[arg(long, value_name = "FILE")]
    pub(super) config_file: Option<PathBuf>,
}

/// What all orders to a running proxy have.
pub(super) trait OrderArguments: FromArgMatches {
    fn config_file(&self) -> Option<&Path>;
}

impl OrderArguments for WaitArguments {
    fn config_file(&self) -> Option<&Path> {
        self.config_file.as_deref()
    }
}

impl OrderArguments for ShutdownArguments {
    fn config_file(&self) -> Option<&Path> {
        self.config_file.as_deref()
    }
}

/// Wiped when it is dropped.
fn secret(text: &str) -> Result<Zeroizing<String>, Infallible> {
    Ok(Zeroizing::new(text.to_owned()))
}

fn mode(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text.trim_start_matches("0o"), 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        _ => Err("a mode as chmod has it is needed, 0600 or 0660 for instance".to_owned()),
    }
}
