//! The options of `entrakey agent`.

use crate::duration::duration;
use crate::identity::IdentityArguments;
use crate::number::{gid, uid};
use crate::service::OperationArguments;
use clap::{Args, Subcommand, ValueEnum};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// One identity for all the processes of a host: the agent asks Entra once, and hands fresh tokens to whoever may have them.
///
/// Examples:
///
///     entrakey agent run --identity managed_identity &
///     eval "$(entrakey agent env)"                     IDENTITY_ENDPOINT and IDENTITY_HEADER, for stock clients
///     entrakey agent get                               the token alone
///     entrakey agent status
///
/// `entrakey agent run --help` says what it can do.
#[derive(Args)]
#[command(verbatim_doc_comment, arg_required_else_help = true, subcommand_required = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(super) order: Order,
}

/// What can be done.
#[derive(Subcommand)]
pub(super) enum Order {
    Run(Box<RunArguments>),
    Env(EnvArguments),
    Status(StatusArguments),
    Get(GetArguments),
}

/// Run the agent: a Unix socket and App Service's endpoint of this machine, for processes that may have tokens.
///
/// Examples:
///
///     entrakey agent run --identity managed_identity
///     entrakey agent run --secrets /etc/entrakey/secrets.yaml --allow-gid www-data
///     entrakey agent run --config-file /etc/entrakey/agent.toml --health-check --prometheus
///     entrakey agent run --token-file /run/redis/token --token-file-mode 0640
///     curl --unix-socket /run/entrakey-agent/agent.sock http://localhost/v1/secrets/default
///
/// Every option can be a variable, ENTRAKEY_AGENT_PORT for --port, or in --config-file (port = 8441); what is typed wins over a
/// variable, and that over the file. A file may have identities, clients and token files:
///
///     secrets = "/etc/entrakey/secrets.yaml"
///     [identities.orders]
///     identity = "managed_identity"
///     client_id = "..."
///     [[clients]]
///     name = "php"
///     uids = [33]
///     identities = ["orders"]
///     [[token-files]]
///     identity = "orders"
///     path = "/run/entrakey-agent/orders.json"
///
/// SIGHUP, or a change of the file, has it read again. SIGINT ends the agent with 130, SIGTERM with 143.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct RunArguments {
    #[command(flatten)]
    pub(super) who: WhoArguments,
    #[command(flatten)]
    pub(super) limits: LimitArguments,
    #[command(flatten)]
    pub(super) operation: OperationArguments,
    #[command(flatten)]
    pub(super) identity: IdentityArguments,
}

/// Whose tokens, for whom.
#[derive(Args)]
#[command(next_help_heading = "Tokens and clients")]
pub(super) struct WhoArguments {
    /// A secret store's file (JSON, YAML or TOML): each entry of type AzureEntraIdAuth is an identity, by its id.
    #[arg(long, value_name = "FILE")]
    pub(super) secrets: Option<PathBuf>,
    /// A file with these settings, identities, clients and token files: JSON, YAML or TOML.
    #[arg(long, value_name = "FILE")]
    pub(super) config_file: Option<PathBuf>,
    /// The directory of the socket and of clients' secrets: $RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR/entrakey-agent or
    /// /run/entrakey-agent if not given. It is made if it is not there.
    #[arg(long, value_name = "FOLDER")]
    pub(super) directory: Option<PathBuf>,
    /// Where App Service's endpoint is: an address of loopback.
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub(super) address: String,
    /// Its port; 0 takes a free one.
    #[arg(long, default_value_t = 8441, value_name = "PORT")]
    pub(super) port: u16,
    /// Serve the Unix socket and token files only.
    #[arg(long)]
    pub(super) no_app_service: bool,
    /// Users (uids) that may have all tokens, besides this one and root.
    #[arg(long, value_name = "UID", value_delimiter = ',', value_parser = uid)]
    pub(super) allow_uid: Vec<u32>,
    /// Groups, by number or name, whose members' processes may.
    #[arg(long, value_name = "GROUP", value_delimiter = ',', value_parser = gid)]
    pub(super) allow_gid: Vec<u32>,
    /// What clients without a list of their own may have tokens for; what each identity's scope says if not given.
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    pub(super) resource: Vec<String>,
    /// Keep a token in this file, on a file system in memory: JSON if its name ends with .json, else the token alone. Of the
    /// default identity if none is named.
    #[arg(long, value_name = "[ID=]FILE")]
    pub(super) token_file: Vec<String>,
    /// Who may read token files: 0600, or 0640 for the group too.
    #[arg(long, default_value = "0600", value_name = "MODE", value_parser = mode)]
    pub(super) token_file_mode: u32,
}

/// Where an agent is that runs.
#[derive(Args)]
pub(super) struct PlaceArguments {
    /// Its directory; if not given, the first that has a socket of $RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR/entrakey-agent and
    /// /run/entrakey-agent.
    #[arg(long, value_name = "FOLDER")]
    pub(super) directory: Option<PathBuf>,
    /// Its socket, if that is not in its directory. /run/entrakey-agent.sock, which systemd opens, is found without.
    #[arg(long, value_name = "PATH")]
    pub(super) socket: Option<PathBuf>,
    /// Its configuration file, if its directory or a client's secret stands there.
    #[arg(long, value_name = "FILE")]
    pub(super) config_file: Option<PathBuf>,
}

/// What clients may take.
#[derive(Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitArguments {
    /// The most connections at a time: half of them are for the Unix socket, and half for App Service's endpoint.
    #[arg(long, default_value = "4096", value_name = "NUMBER")]
    pub(super) max_connections: NonZeroUsize,
    /// Of each user of the Unix socket, and of each client service of App Service's endpoint.
    #[arg(long, default_value = "1024", value_name = "NUMBER")]
    pub(super) max_connections_per_user: NonZeroUsize,
    /// Requests a second of each client, 0 for any number. One that is answered with an ageing token counts as ten.
    #[arg(long, default_value_t = 1000, value_name = "NUMBER")]
    pub(super) max_requests: u32,
    /// How long a request waits for a token when there is none.
    #[arg(long, default_value = "20s", value_name = "TIME", value_parser = duration)]
    pub(super) wait: Duration,
}

/// Print the variables by which stock clients find the agent: eval "$(entrakey agent env NAME)".
#[derive(Args)]
pub(super) struct EnvArguments {
    /// The client service.
    #[arg(default_value = "default", value_name = "NAME")]
    pub(super) name: String,
    /// How to print them.
    #[arg(short, long, value_enum, default_value_t = EnvOutput::Shell)]
    pub(super) output: EnvOutput,
    #[command(flatten)]
    pub(super) place: PlaceArguments,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum EnvOutput {
    /// Lines for a shell: export IDENTITY_ENDPOINT='…', and unset for what would be taken for another hosting environment
    Shell,
    /// Lines for EnvironmentFile= of systemd and for Docker's --env-file: IDENTITY_ENDPOINT=…
    File,
    /// {"IDENTITY_ENDPOINT": …, "IDENTITY_HEADER": …}
    Json,
}

/// Say how the agent is: identities, their tokens, clients. Ends with 1 if an identity has no usable token.
#[derive(Args)]
pub(super) struct StatusArguments {
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = StatusOutput::Text)]
    pub(super) output: StatusOutput,
    #[command(flatten)]
    pub(super) place: PlaceArguments,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum StatusOutput {
    /// For people
    Text,
    /// What GET /v1/status answers
    Json,
}

/// Print a token that the agent has: of the default identity, or of the one with that id.
#[derive(Args)]
pub(super) struct GetArguments {
    /// The identity.
    #[arg(default_value = "default", value_name = "ID")]
    pub(super) id: String,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = GetOutput::Text)]
    pub(super) output: GetOutput,
    #[command(flatten)]
    pub(super) place: PlaceArguments,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum GetOutput {
    /// The token and a line break
    Text,
    /// {"id": …, "username": …, "value": …, "expires_on": 1796000000, "refresh_after": …}
    Json,
    /// Lines for a shell: export REDIS_PASSWORD='…'
    Env,
}

fn mode(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text.trim_start_matches("0o"), 8) {
        Ok(mode @ (0o600 | 0o640 | 0o400 | 0o440)) => Ok(mode),
        _ => Err("0600 or 0640 is needed: others could use the token".to_owned()),
    }
}
