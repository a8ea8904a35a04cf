//! The `entrakey` command.
#![allow(clippy::print_stdout, reason = "printing is what a command does")]

mod control;
mod emulator;
mod redis;

use clap::{Parser, Subcommand};
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
    Emulator(Box<emulator::Arguments>),
    Control(control::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
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
