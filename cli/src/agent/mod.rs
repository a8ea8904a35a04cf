//! `entrakey agent`.

mod arguments;
mod env;
mod file;
mod get;
mod identities;
mod leases;
mod place;
mod plan;
mod probes;
mod process;
mod socket;
mod status;

pub(crate) use arguments::Arguments;

use crate::failure::Failure;
use crate::settings;
use arguments::Order;
use clap::{ArgMatches, Command};
use plan::Reader;

/// What the subcommand is called.
pub(crate) const NAME: &str = "agent";

/// What its variables begin with.
pub(crate) const PREFIX: &str = "ENTRAKEY_AGENT";

/// What runs it.
const RUN: &str = "run";

/// Gives the options their variables: all of `run`, of the other orders what says where the agent is.
pub(crate) fn with_variables(command: Command) -> Command {
    let command = command.mut_subcommand(RUN, |run| settings::with_variables(run, PREFIX));
    ["env", "status", "get"].into_iter().fold(command, |command, order| {
        command.mut_subcommand(order, |order| {
            ["directory", "socket", "config_file"].into_iter().fold(order, |order, id| {
                order.mut_arg(id, |argument| {
                    argument.env(settings::variable(PREFIX, id)).hide_env_values(true)
                })
            })
        })
    })
}

/// `matches` are those of the whole command line.
pub(crate) fn run(arguments: Arguments, matches: &ArgMatches) -> Result<u8, Failure> {
    match arguments.order {
        Order::Run(arguments) => {
            let typed = matches.subcommand_matches(NAME).and_then(|agent| agent.subcommand_matches(RUN));
            process::run(&Reader::new(*arguments, typed.unwrap_or(matches).clone()))
        }
        Order::Env(arguments) => env::run(&arguments),
        Order::Status(arguments) => status::run(&arguments),
        Order::Get(arguments) => get::run(&arguments),
    }
}
