//! The command: how it is started, and what is made of its end.

use super::exit_code::{NOT_FOUND, NOT_RUNNABLE, SIGNALLED};
use super::signals::Signals;
use super::variables::Environment;
use super::{FAILED, own};
use crate::failure::Failure;
use crate::proxy::Private;
use entrakey_service::raise_descriptor_limit;
use std::ffi::OsString;
use std::io::{Error, ErrorKind};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus};

/// Clients that read the password in a variable, and where to connect to nowhere.
const WITHOUT_VARIABLES: [&str; 2] = ["redis-cli", "valkey-cli"];

/// Runs the command to its end: the exit code.
pub(super) fn run(words: &[OsString], environment: &Environment, proxy: &Private) -> Result<u8, Failure> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(Failure::new(FAILED, "Which command? entrakey exec HOST[:PORT] -- COMMAND"));
    };
    if program.to_string_lossy().starts_with('-') {
        return Err(Failure::new(
            FAILED,
            format!(
                "There is no option {}; a command stands behind --: entrakey exec HOST[:PORT] -- COMMAND",
                program.display()
            ),
        ));
    }
    let mut command = Command::new(program);
    environment.give_to(&mut command);
    // In front of what was typed, which wins.
    if Path::new(program).file_name().is_some_and(|name| WITHOUT_VARIABLES.iter().any(|known| name == *known))
    {
        let address = proxy.address();
        command.args(["-h", &address.ip().to_string(), "-p", &address.port().to_string()]);
    }
    command.args(arguments);
    let signals = Signals::new().map_err(own)?; // before there is somebody whom they are for
    let child = command.spawn().map_err(|error| not_run(program, &error))?;
    // Each of its connections takes two files here. Its own limit stays what it was: programs that use select rely on that.
    let _ = raise_descriptor_limit();
    signals.wait(child).map(code).map_err(own)
}

fn not_run(program: &OsString, error: &Error) -> Failure {
    let program = Path::new(program).display();
    match error.kind() {
        ErrorKind::NotFound => Failure::new(
            NOT_FOUND,
            format!("{program} was not found: is it installed, and its folder in PATH?"),
        ),
        _ => Failure::new(NOT_RUNNABLE, format!("{program} cannot be run: {error}.")),
    }
}

fn code(status: ExitStatus) -> u8 {
    let signal = || status.signal().unwrap_or_default();
    let code = status.code().unwrap_or_else(|| i32::from(SIGNALLED) + signal());
    u8::try_from(code).unwrap_or(u8::MAX) // neither is more than that
}
