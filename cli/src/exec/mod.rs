//! `entrakey exec`: a command with a Redis of its own.
//!
//! The private proxy listens on a port of loopback with a random password, and on no Unix socket: every client can use a port, and
//! no two of them write the URL of a socket alike. It is no less safe: the password is in the command's environment, which this
//! user and root can read, and they are whom a socket of mode 0600 would let in.

mod child;
mod exit_code;
mod signals;
mod variables;

use crate::duration::duration_above_zero;
use crate::failure::Failure;
use crate::identity::IdentityArguments;
use crate::proxy::{Private, PrivateOptions};
use crate::terminal::Progress;
use clap::Args;
use entrakey_service::{Format, Log, Severity};
use std::ffi::OsString;
use std::time::Duration;
use variables::VariableArguments;

/// What the subcommand is called.
pub(crate) const NAME: &str = "exec";

/// What it ends with if it fails itself.
pub(crate) use exit_code::FAILED;

/// For the log's last lines.
const FLUSH: Duration = Duration::from_secs(1);

/// Run a command with a Redis of its own: a private proxy that authenticates with this identity's tokens.
///
/// The command finds it in REDIS_URL, REDIS_HOST, REDIS_PORT and REDIS_PASSWORD (for redis-cli also REDISCLI_AUTH): plain Redis on
/// 127.0.0.1, with a random password that is worth nothing elsewhere or later. It never sees a token. To redis-cli and valkey-cli,
/// which read no variable for it, the port is given as an option.
///
/// Examples:
///
///     entrakey exec mycache.westeurope.redis.azure.net -- redis-cli
///     entrakey exec mycache.redis.cache.windows.net:6380 -- celery -A tasks worker
///     entrakey exec redis.example:10000 --url-variable CELERY_BROKER_URL -- celery -A tasks worker
///     entrakey exec redis.example:10000 -- sh -c 'legacy --redis-port "$REDIS_PORT"'
///
/// It ends as the command does: with its exit code, or 128 and the number of the signal that killed it. Signals pass to the command.
#[derive(Args)]
#[command(verbatim_doc_comment, after_long_help = exit_code::TABLE)]
pub(crate) struct Arguments {
    /// The Redis. Without a port: 6380 of Azure Cache for Redis, 10000 of Azure Managed Redis.
    #[arg(value_name = "HOST[:PORT]")]
    host: String,
    /// The command and its arguments.
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
    /// Run the command at once, without a look at whether the Redis can be reached and takes the token.
    #[arg(long)]
    no_connection_test: bool,
    /// How long a client waits for its connection to the server, the wait for a token included.
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = duration_above_zero)]
    connect_timeout: Duration,
    /// Say on standard error what the proxy does, and not only what goes wrong.
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    variables: VariableArguments,
    #[command(flatten)]
    identity: IdentityArguments,
}

/// Its own failures are told apart from the command's by their exit codes.
pub(crate) fn run(arguments: Arguments) -> Result<u8, Failure> {
    arguments.variables.check().map_err(own)?;
    let least = if arguments.verbose { Severity::Info } else { Severity::Warning };
    let log = Log::to_stderr(Format::Human, least).map_err(own)?;
    // A thread takes clients while this one waits for the command.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(own)?;
    let outcome = runtime.block_on(open(&arguments, &log)).map_err(own).and_then(|proxy| {
        let environment = arguments.variables.of(&proxy);
        child::run(&arguments.command, &environment, &proxy)
    });
    runtime.shutdown_background();
    log.flush(FLUSH);
    outcome
}

async fn open(arguments: &Arguments, log: &Log) -> Result<Private, Failure> {
    let target = arguments.host.parse().map_err(|what| Failure::usage(format!("HOST[:PORT]: {what}.")))?;
    arguments.identity.warn_of_exposed(NAME);
    let _progress = Progress::of(format!("connecting to {target}"));
    let options = PrivateOptions {
        target,
        keys: arguments.identity.keys.clone(),
        connect_timeout: arguments.connect_timeout,
        with_connection_test: !arguments.no_connection_test,
    };
    Private::open(options, log).await
}

fn own(failure: impl Into<Failure>) -> Failure {
    Failure::new(FAILED, failure.into())
}
