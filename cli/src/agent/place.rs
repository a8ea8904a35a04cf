//! Where an agent is: its directory, and what is in it.

use super::arguments::PlaceArguments;
use super::file::File;
use crate::failure::Failure;
use std::path::{Path, PathBuf};

const FOLDER: &str = "entrakey-agent";
const SOCKET: &str = "agent.sock";

/// What is typed, or set by its variable; what the agent's file says; what systemd or the session has made; root's own.
pub(super) fn directory(given: &PlaceArguments, file: Option<&File>) -> Result<PathBuf, Failure> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let of_file = file.map(File::directory).transpose()?.flatten();
    let of_session = || variable("XDG_RUNTIME_DIR").map(|folder| folder.join(FOLDER));
    let of_root = || rustix::process::geteuid().is_root().then(|| Path::new("/run").join(FOLDER));
    let found = given.directory.clone().or(of_file).or_else(of_systemd).or_else(of_session).or_else(of_root);
    found.ok_or_else(|| {
        Failure::usage("Where is the agent? Give --directory: there is no XDG_RUNTIME_DIR here.")
    })
}

/// The first one that systemd has made for the unit.
fn of_systemd() -> Option<PathBuf> {
    let all = std::env::var("RUNTIME_DIRECTORY").ok()?;
    all.split(':').next().filter(|first| !first.is_empty()).map(PathBuf::from)
}

/// Where the directory is for an order to an agent that runs.
pub(super) fn of_order(given: &PlaceArguments, file: Option<&Path>) -> Result<PathBuf, Failure> {
    let file = file.map(File::read).transpose()?;
    directory(given, file.as_ref())
}

pub(super) fn socket(directory: &Path) -> PathBuf {
    directory.join(SOCKET)
}

/// The file of a client's secret, if it has no other.
pub(super) fn secret(directory: &Path, client: &str) -> PathBuf {
    directory.join(format!("{client}.header"))
}
