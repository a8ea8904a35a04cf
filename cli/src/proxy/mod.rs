//! `entrakey proxy`.

mod arguments;
mod cluster;
mod control;
mod descriptors;
mod endpoint;
mod file;
mod front;
mod metrics;
mod names;
mod password;
mod peer;
mod plan;
mod private;
mod probes;
mod process;
mod providers;
mod service;
mod start;

pub(crate) use arguments::Arguments;
pub(crate) use private::{Private, PrivateOptions};

use crate::failure::Failure;
use crate::settings;
use arguments::{Order, OrderArguments};
use clap::{ArgMatches, Command};
use file::File;
use plan::Plan;

/// What the subcommand is called.
pub(crate) const NAME: &str = "proxy";

/// What its variables begin with.
pub(crate) const PREFIX: &str = "ENTRAKEY_PROXY";

/// Gives the options their variables.
pub(crate) fn with_variables(command: Command) -> Command {
    let orders: Vec<_> = command.get_subcommands().map(|order| order.get_name().to_owned()).collect();
    let command = settings::with_variables(command, PREFIX);
    let each = |command: Command, order: String| {
        command.mut_subcommand(order, |order| settings::with_variables(order, PREFIX))
    };
    orders.into_iter().fold(command, each)
}

/// `matches` are those of the whole command line.
pub(crate) fn run(arguments: Arguments, matches: &ArgMatches) -> Result<u8, Failure> {
    match arguments.order {
        Some(Order::Wait(wait)) => with_file("wait", wait).and_then(|wait| control::wait(&wait)),
        Some(Order::Shutdown(shutdown)) => {
            with_file("shutdown", shutdown).and_then(|shutdown| control::shutdown(&shutdown))
        }
        None => {
            Plan::read(matches.subcommand_matches(NAME).unwrap_or(matches), arguments).and_then(process::run)
        }
    }
}

/// What was typed for an order to a running proxy, else what that one's file says.
fn with_file<T: OrderArguments>(order: &'static str, typed: T) -> Result<T, Failure> {
    match typed.config_file() {
        None => Ok(typed),
        Some(path) => File::read(path)?.order(order),
    }
}
