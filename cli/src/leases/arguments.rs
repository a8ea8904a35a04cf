//! The options of `entrakey leases`.

use crate::identity::IdentityArguments;
use crate::number::port;
use crate::service::OperationArguments;
use clap::{Args, Subcommand, ValueEnum};
use entrakey_leases::parse_ttl;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// Leases: Entra credentials on demand, that really end. These orders are for whoever runs the service; `entrakey lease` is
/// for those who use it.
///
/// Examples:
///
///     entrakey leases check --config-file /etc/entrakey/leases.toml      does Azure know what the file names?
///     entrakey leases token create alice --role issue,renew-own --secret orders --config-file /etc/entrakey/leases.toml
///     entrakey leases serve --config-file /etc/entrakey/leases.toml
///     entrakey leases reap --dry-run --config-file /etc/entrakey/leases.toml
///
/// `entrakey leases serve --help` says what is in the file.
#[derive(Args)]
#[command(verbatim_doc_comment, arg_required_else_help = true, subcommand_required = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(super) order: Order,
}

/// What can be done.
#[derive(Subcommand)]
pub(super) enum Order {
    Serve(Box<ServeArguments>),
    Check(Box<CheckArguments>),
    Reap(Box<ReapArguments>),
    Users(Box<UsersArguments>),
    Token(Box<TokenArguments>),
    Openapi(OpenapiArguments),
}

/// Run the service: an API on loopback, or elsewhere with TLS, and on a Unix socket.
///
/// Examples:
///
///     entrakey leases serve --config-file /etc/entrakey/leases.toml --check
///     entrakey leases serve --config-file leases.yaml --database postgresql://leases@db.example/leases?sslmode=require
///     entrakey leases serve --config-file leases.toml --address 0.0.0.0 --tls-certificate tls.crt --tls-key tls.key
///
/// Every option can be a variable, ENTRAKEY_LEASES_PORT for --port, or in the file (port = 8442); what is typed wins over a
/// variable, and that over the file. The file says what leases can be made of:
///
///     installation = "prod-1"
///     [entrakey]
///     identity = "managed_identity"
///     tenant_id = "..."
///     [secrets.orders]
///     kind = "application_password"
///     application-id = "..."
///     default-ttl = "1h"
///     max-ttl = "8h"
///     [secrets.oncall]
///     kind = "redis_access"
///     cache = "/subscriptions/.../providers/Microsoft.Cache/redisEnterprise/orders"
///     users = ["OBJECT ID"]
///     [[clients]]
///     name = "deploy"
///     uids = [1001]
///     secrets = ["orders"]
///     roles = ["issue", "renew-own"]
///
/// In a browser there is a page at /dashboard/, to sign in to with a token of `entrakey leases token create`.
///
/// docs/leases.md says more. SIGINT ends the service with 130, SIGTERM with 143; leases stay, and are taken back in time once
/// it runs again.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    pub(super) place: PlaceArguments,
    #[command(flatten)]
    pub(super) azure: AzureArguments,
    /// Ask Azure for everything that the file names, and do not start if something is wrong.
    #[arg(long)]
    pub(super) check: bool,
    #[command(flatten)]
    pub(super) clients: ClientArguments,
    #[command(flatten)]
    pub(super) operation: OperationArguments,
    #[command(flatten)]
    pub(crate) identity: IdentityArguments,
}

/// Where clients come in.
#[derive(Args)]
#[command(next_help_heading = "Clients")]
pub(crate) struct ClientArguments {
    /// Where the API is: an address of loopback, or any with TLS.
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub(super) address: String,
    /// Its port; 0 takes a free one.
    #[arg(long, default_value_t = 8442, value_name = "PORT", value_parser = port)]
    pub(super) port: u16,
    /// Serve the Unix socket only.
    #[arg(long, requires = "socket")]
    pub(super) no_tcp: bool,
    /// Also on this Unix socket, for the users that the file's clients name.
    #[arg(long, value_name = "FILE")]
    pub(super) socket: Option<PathBuf>,
    /// The certificate (and those that vouch for it) that is shown to clients, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(super) tls_certificate: Option<PathBuf>,
    /// Its private key, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(super) tls_key: Option<PathBuf>,
    /// The most connections at a time.
    #[arg(long, default_value = "1024", value_name = "NUMBER")]
    pub(super) max_connections: NonZeroUsize,
    /// Of each user of the Unix socket.
    #[arg(long, default_value = "256", value_name = "NUMBER")]
    pub(super) max_connections_per_user: NonZeroUsize,
}

/// The configuration and the database.
#[derive(Args, Clone)]
pub(crate) struct PlaceArguments {
    /// The file with what leases can be made of, and these settings: TOML, YAML or JSON.
    #[arg(long, value_name = "FILE")]
    pub(super) config_file: Option<PathBuf>,
    /// Where leases are kept: a file (made for this user only), or postgresql://USER@HOST/NAME for several replicas. If not
    /// given: leases.db in $STATE_DIRECTORY, or in this folder.
    #[arg(long, value_name = "FILE or URL")]
    pub(super) database: Option<String>,
}

/// Where Azure is.
#[derive(Args, Clone)]
pub(crate) struct AzureArguments {
    /// Microsoft Graph, if it is not that of the cloud.
    #[arg(long, value_name = "URL", hide_short_help = true)]
    pub(super) graph_endpoint: Option<String>,
    /// Azure Resource Manager, likewise.
    #[arg(long, value_name = "URL", hide_short_help = true)]
    pub(super) arm_endpoint: Option<String>,
}

/// Ask Azure for everything that the file names. Ends with 1 if something is wrong.
#[derive(Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    pub(super) place: PlaceArguments,
    #[command(flatten)]
    pub(super) azure: AzureArguments,
    #[command(flatten)]
    pub(super) identity: IdentityArguments,
}

/// Remove what this installation has at Azure and no lease knows: after the database was lost. Names of others and keys
/// younger than 15 minutes are left alone. Nothing that serves has to be stopped for it.
#[derive(Args)]
pub(super) struct ReapArguments {
    /// Only say what would be removed.
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) place: PlaceArguments,
    #[command(flatten)]
    pub(super) azure: AzureArguments,
    #[command(flatten)]
    pub(super) identity: IdentityArguments,
}

/// List the users of the tenant, to pick those of a user_password from: object id, principal name, name.
#[derive(Args)]
pub(super) struct UsersArguments {
    /// By whose identity: a secret of the file.
    #[arg(value_name = "SECRET")]
    pub(super) secret: String,
    #[command(flatten)]
    pub(super) place: PlaceArguments,
    #[command(flatten)]
    pub(super) azure: AzureArguments,
    #[command(flatten)]
    pub(super) identity: IdentityArguments,
}

/// Bearer tokens for the API: made, listed, revoked. Their hashes are in the database, the tokens nowhere.
#[derive(Args)]
#[command(arg_required_else_help = true, subcommand_required = true)]
pub(super) struct TokenArguments {
    #[command(subcommand)]
    pub(super) order: TokenOrder,
}

#[derive(Subcommand)]
pub(super) enum TokenOrder {
    Create(TokenCreateArguments),
    List(TokenListArguments),
    Revoke(TokenRevokeArguments),
}

/// Make a token and print it, once.
#[derive(Args)]
pub(super) struct TokenCreateArguments {
    /// Whose it is: the audit trail says so.
    #[arg(value_name = "NAME")]
    pub(super) name: String,
    /// What it may do: issue, renew-own, revoke, list, see-users.
    #[arg(long, value_name = "ROLE", value_delimiter = ',', required = true)]
    pub(super) role: Vec<String>,
    /// With which dynamic secrets; "*" for all.
    #[arg(long, value_name = "SECRET", value_delimiter = ',', required = true)]
    pub(super) secret: Vec<String>,
    /// For how long; until it is revoked if not given.
    #[arg(long, value_name = "TIME", value_parser = parse_ttl)]
    pub(super) ttl: Option<Duration>,
    #[command(flatten)]
    pub(super) place: PlaceArguments,
}

/// List the tokens: name, roles, secrets, end.
#[derive(Args)]
pub(super) struct TokenListArguments {
    /// How to print them.
    #[arg(short, long, value_enum, default_value_t = ListOutput::Text)]
    pub(super) output: ListOutput,
    #[command(flatten)]
    pub(super) place: PlaceArguments,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ListOutput {
    /// For people
    Text,
    /// For programs
    Json,
}

/// Take a token back: it is refused from now on.
#[derive(Args)]
pub(super) struct TokenRevokeArguments {
    /// Its name.
    #[arg(value_name = "NAME")]
    pub(super) name: String,
    #[command(flatten)]
    pub(super) place: PlaceArguments,
}

/// Print what the API is, as OpenAPI in JSON.
#[derive(Args)]
pub(super) struct OpenapiArguments {}
