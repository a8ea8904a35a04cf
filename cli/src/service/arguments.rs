//! The options that every service has.

use crate::duration::duration;
use crate::number::port;
use clap::Args;
use std::time::Duration;

/// How it is looked after, how it ends and what it says.
#[derive(Args)]
#[command(next_help_heading = "Operation")]
pub(crate) struct OperationArguments {
    /// Serve /startup, /liveness and /readiness on --http-port.
    #[arg(long)]
    pub(crate) health_check: bool,
    /// Serve /metrics on --http-port.
    #[arg(long)]
    pub(crate) prometheus: bool,
    #[command(flatten)]
    pub(crate) http: HttpArguments,
    /// Serve /quitquitquit on --admin-port of this machine.
    #[arg(long)]
    pub(crate) quitquitquit: bool,
    #[command(flatten)]
    pub(crate) admin: AdminArguments,
    /// After SIGTERM, take clients for that long: others have not heard yet that this one ends.
    #[arg(long, default_value = "0s", value_name = "TIME", value_parser = duration)]
    pub(crate) min_sigterm_delay: Duration,
    /// After SIGTERM, wait that long for clients to finish. A second signal ends at once.
    #[arg(long, default_value = "0s", value_name = "TIME", value_parser = duration)]
    pub(crate) max_sigterm_delay: Duration,
    /// End with 0 instead of 143 after SIGTERM.
    #[arg(long)]
    pub(crate) exit_zero_on_sigterm: bool,
    /// Write the log as JSON, a line for each thing that happens.
    #[arg(long)]
    pub(crate) structured_logs: bool,
    /// Write warnings and errors only.
    #[arg(long, conflicts_with = "debug_logs")]
    pub(crate) quiet: bool,
    /// Write each single step too.
    #[arg(long)]
    pub(crate) debug_logs: bool,
}

/// Where health and metrics are.
#[derive(Args)]
pub(crate) struct HttpArguments {
    /// Where to serve health and metrics.
    #[arg(long, default_value = "localhost", value_name = "ADDRESS")]
    pub(crate) http_address: String,
    /// The port for them.
    #[arg(long, default_value_t = 9090, value_name = "PORT", value_parser = port)]
    pub(crate) http_port: u16,
}

/// Where a service is told to end.
#[derive(Args)]
pub(crate) struct AdminArguments {
    /// The port for --quitquitquit.
    #[arg(long, default_value_t = 9091, value_name = "PORT", value_parser = port)]
    pub(crate) admin_port: u16,
}
