//! The `entrakey` command.

mod agent;
mod arm;
mod control;
mod doctor;
mod duration;
mod emulator;
mod exec;
mod exit_code;
mod failure;
mod family;
mod identity;
mod lease;
mod leases;
mod manual;
mod migration;
mod number;
mod proxy;
mod redis;
mod service;
mod settings;
mod shell;
mod target;
mod terminal;
mod token;
mod unix_connector;
mod until_open;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use std::process::ExitCode;
use terminal::{BAD, painted, say};

/// Microsoft Entra ID access tokens for Redis clients.
#[derive(Parser)]
#[command(name = manual::NAME, version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Token(Box<token::Arguments>),
    Exec(Box<exec::Arguments>),
    Doctor(Box<doctor::Arguments>),
    Migration(Box<migration::Arguments>),
    Proxy(Box<proxy::Arguments>),
    Agent(Box<agent::Arguments>),
    Leases(Box<leases::Arguments>),
    Lease(Box<lease::Arguments>),
    Emulator(Box<emulator::Arguments>),
    Control(control::Arguments),
    Completions(manual::CompletionsArguments),
    Man(manual::ManArguments),
}

/// The command line as it can be typed.
fn command() -> clap::Command {
    let command = Arguments::command().mut_subcommand(proxy::NAME, proxy::with_variables);
    let command = command.mut_subcommand(agent::NAME, agent::with_variables);
    let command = command.mut_subcommand(leases::NAME, leases::with_variables);
    let command = command.mut_subcommand(lease::NAME, lease::with_variables).mut_subcommands(with_exit_codes);
    settings::with_typed_first(command)
}

/// Says at the end of a command's help what it ends with.
fn with_exit_codes(command: clap::Command) -> clap::Command {
    if [exec::NAME, doctor::NAME].contains(&command.get_name()) {
        return command; // they have their own
    }
    let before = command.get_after_long_help().map(|help| format!("{}\n\n", help.ansi())).unwrap_or_default();
    command.after_long_help(format!("{before}{}", exit_code::TABLE))
}

fn main() -> ExitCode {
    let matches = command().try_get_matches().unwrap_or_else(|error| settings::exit(&error));
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let outcome = match arguments.command {
        Command::Token(arguments) => token::run(&arguments),
        Command::Exec(arguments) => exec::run(*arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Migration(arguments) => migration::run(&arguments),
        Command::Proxy(arguments) => proxy::run(*arguments, &matches),
        Command::Agent(arguments) => agent::run(*arguments, &matches),
        Command::Leases(arguments) => leases::run(&arguments),
        Command::Lease(arguments) => lease::run(&arguments),
        Command::Emulator(arguments) => emulator::run(*arguments),
        Command::Control(arguments) => control::run(&arguments),
        Command::Completions(arguments) => manual::completions(&arguments),
        Command::Man(arguments) => manual::man(&arguments),
    };
    ExitCode::from(outcome.unwrap_or_else(|failure| {
        let who = format!("entrakey {}:", matches.subcommand_name().unwrap_or_default());
        say(format_args!("{} {failure}", painted(BAD, who)));
        failure.code
    }))
}
