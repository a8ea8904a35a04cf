//! `entrakey leases`.

mod arguments;
mod file;
mod open;
mod orders;
mod serve;

pub(crate) use arguments::{Arguments, ServeArguments};
pub(crate) use file::File;
pub(crate) use serve::{Process, Serving, begin};

use crate::exit_code::OK;
use crate::failure::Failure;
use crate::settings;
use crate::terminal::print;
use arguments::Order;
use clap::Command;

/// What the subcommand is called.
pub(crate) const NAME: &str = "leases";

/// What its variables begin with.
pub(crate) const PREFIX: &str = "ENTRAKEY_LEASES";

/// What runs it.
const SERVE: &str = "serve";

/// Gives the options their variables: all of `serve`, of the other orders what says where things are.
pub(crate) fn with_variables(command: Command) -> Command {
    let command =
        command.mut_subcommand(SERVE, |serve| with_endpoints(settings::with_variables(serve, PREFIX)));
    let command = ["check", "reap", "users"].into_iter().fold(command, |command, order| {
        command.mut_subcommand(order, |order| with_endpoints(with_place(order)))
    });
    command.mut_subcommand("token", |token| token.mut_subcommands(with_place))
}

fn with_place(command: Command) -> Command {
    ["config_file", "database"].into_iter().fold(command, |command, id| {
        command.mut_arg(id, |argument| argument.env(settings::variable(PREFIX, id)).hide_env_values(true))
    })
}

/// These have the names that other commands know them by.
fn with_endpoints(command: Command) -> Command {
    [("graph_endpoint", "ENTRAKEY_GRAPH_ENDPOINT"), ("arm_endpoint", crate::arm::VARIABLE)]
        .into_iter()
        .fold(command, |command, (id, variable)| command.mut_arg(id, |argument| argument.env(variable)))
}

pub(crate) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    match &arguments.order {
        Order::Serve(arguments) => serve::run(arguments),
        Order::Check(arguments) => orders::check(arguments),
        Order::Reap(arguments) => orders::reap(arguments),
        Order::Users(arguments) => orders::list_users(arguments),
        Order::Token(arguments) => orders::token(&arguments.order),
        Order::Openapi(_) => {
            print(format_args!("{}\n", entrakey_leases::openapi()))?;
            Ok(OK)
        }
    }
}
