//! The `entrakey` command.
#![allow(clippy::print_stdout, reason = "printing is what a command does")]

mod arm;
mod control;
mod doctor;
mod duration;
mod emulator;
mod failure;
mod identity;
mod migration;
mod proxy;
mod redis;
mod settings;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use std::process::ExitCode;

/// Microsoft Entra ID access tokens for Redis clients.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Proxy(Box<proxy::Arguments>),
    Emulator(Box<emulator::Arguments>),
    Control(control::Arguments),
    Doctor(Box<doctor::Arguments>),
    Migration(Box<migration::Arguments>),
}

/// The command line as it can be typed.
fn command() -> clap::Command {
    Arguments::command().mut_subcommand(proxy::NAME, proxy::with_variables)
}

fn main() -> ExitCode {
    let matches = command().try_get_matches().unwrap_or_else(|error| settings::exit(&error, proxy::PREFIX));
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let outcome = match arguments.command {
        Command::Proxy(arguments) => return proxy::run(*arguments, &matches),
        Command::Doctor(arguments) => return ended(doctor::run(&arguments), "doctor"),
        Command::Migration(arguments) => return ended(migration::run(&arguments), "migration"),
        Command::Emulator(arguments) => emulator::run(*arguments),
        Command::Control(arguments) => control::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("entrakey: {error}");
            ExitCode::from(2)
        }
    }
}

/// The exit code of a command, and on stderr why it failed.
fn ended(outcome: Result<u8, failure::Failure>, command: &str) -> ExitCode {
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("entrakey {command}: {failure}");
            ExitCode::from(failure.code)
        }
    }
}
