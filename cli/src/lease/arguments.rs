//! The options of `entrakey lease`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Get an Entra credential for a while, from a service that entrakey leases serve runs.
///
/// Examples:
///
///     eval "$(entrakey lease create orders --ttl 1h -o env)"     AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET
///     entrakey lease create oncall --user 00000000-0000-0000-0000-000000000000
///     entrakey lease list
///     entrakey lease renew orders-k3x9...
///     entrakey lease revoke orders-k3x9...
///
/// The service is at ENTRAKEY_LEASES_URL or ENTRAKEY_LEASES_SOCKET; the bearer token is in ENTRAKEY_LEASES_TOKEN, or in
/// --token-file.
#[derive(Args)]
#[command(verbatim_doc_comment, arg_required_else_help = true, subcommand_required = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(super) order: Order,
}

/// What can be done.
#[derive(Subcommand)]
pub(super) enum Order {
    Create(CreateArguments),
    List(ListArguments),
    Show(IdArguments),
    Renew(RenewArguments),
    Revoke(RevokeArguments),
}

/// Where the service is, and who asks.
#[derive(Args)]
pub(super) struct ServiceArguments {
    /// Where it is: https://, or http:// on loopback. http://127.0.0.1:8442 if nothing is given.
    #[arg(long, value_name = "URL", conflicts_with = "socket")]
    pub(super) url: Option<String>,
    /// Or its Unix socket, where no token is needed.
    #[arg(long, value_name = "FILE")]
    pub(super) socket: Option<PathBuf>,
    /// A file with the bearer token; the variable ENTRAKEY_LEASES_TOKEN if not given.
    #[arg(long, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
}

/// Make a lease and print its credential, once.
#[derive(Args)]
pub(super) struct CreateArguments {
    /// Of which dynamic secret.
    #[arg(value_name = "SECRET")]
    pub(super) secret: String,
    /// For how long: 1h30m, 1d, or a number of seconds.
    #[arg(long, value_name = "TIME")]
    pub(super) ttl: Option<String>,
    /// For whom, if the dynamic secret is for several users.
    #[arg(long, value_name = "USER")]
    pub(super) user: Option<String>,
    /// A key of your own: with one that you have used before there is no second lease.
    #[arg(long, value_name = "TEXT")]
    pub(super) idempotency_key: Option<String>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = CredentialOutput::Text)]
    pub(super) output: CredentialOutput,
    #[command(flatten)]
    pub(super) service: ServiceArguments,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CredentialOutput {
    /// For people
    Text,
    /// What the service answers
    Json,
    /// Lines for a shell: export AZURE_CLIENT_SECRET='…', and ENTRAKEY_LEASE_ID
    Env,
    /// The secret or the password alone, and a line break
    Secret,
}

/// List the leases that live.
#[derive(Args)]
pub(super) struct ListArguments {
    /// Of that dynamic secret only.
    #[arg(long, value_name = "SECRET")]
    pub(super) secret: Option<String>,
    /// Also those that are over.
    #[arg(long)]
    pub(super) all: bool,
    /// How to print them.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
    #[command(flatten)]
    pub(super) service: ServiceArguments,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people
    Text,
    /// What the service answers
    Json,
}

/// Show a lease, without its credential.
#[derive(Args)]
pub(super) struct IdArguments {
    /// Its id.
    #[arg(value_name = "ID")]
    pub(super) id: String,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
    #[command(flatten)]
    pub(super) service: ServiceArguments,
}

/// Let a lease live longer, from now on. Its last moment stays.
#[derive(Args)]
pub(super) struct RenewArguments {
    /// Its id.
    #[arg(value_name = "ID")]
    pub(super) id: String,
    /// For how long from now; as long as when it was made if not given.
    #[arg(long, value_name = "TIME")]
    pub(super) ttl: Option<String>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
    #[command(flatten)]
    pub(super) service: ServiceArguments,
}

/// End a lease now. Tokens that were issued with it live on for an hour or so.
#[derive(Args)]
pub(super) struct RevokeArguments {
    /// Its id.
    #[arg(value_name = "ID")]
    pub(super) id: String,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
    #[command(flatten)]
    pub(super) service: ServiceArguments,
}
