//! Where an agent is: its directory, and what is in it.

use super::arguments::PlaceArguments;
use super::file::File;
use crate::failure::Failure;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const FOLDER: &str = "entrakey-agent";
const SOCKET: &str = "agent.sock";
/// Of root's own agents.
const OF_ROOT: &str = "/run/entrakey-agent";
/// What deploy/systemd/entrakey-agent.socket has systemd open: a unit's directory comes and goes with it.
const OF_SYSTEMD: &str = "/run/entrakey-agent.sock";

/// The directory of an agent that is started: what is typed, or set by its variable; what the agent's file says; what
/// systemd or the session has made; root's own.
pub(super) fn directory(given: Option<&Path>, file: Option<&File>) -> Result<PathBuf, Failure> {
    let of_root = || rustix::process::geteuid().is_root().then(|| PathBuf::from(OF_ROOT));
    let found = named(given, file)?.or_else(of_session).or_else(of_root);
    found.ok_or_else(|| {
        Failure::usage("Where is the agent to be? Give --directory: there is no XDG_RUNTIME_DIR here.")
    })
}

fn named(given: Option<&Path>, file: Option<&File>) -> Result<Option<PathBuf>, Failure> {
    let of_file = file.map(File::directory).transpose()?.flatten();
    Ok(given.map(Path::to_owned).or(of_file).or_else(of_systemd))
}

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn of_session() -> Option<PathBuf> {
    variable("XDG_RUNTIME_DIR").map(|folder| folder.join(FOLDER))
}

/// The first one that systemd has made for the unit.
fn of_systemd() -> Option<PathBuf> {
    let all = std::env::var("RUNTIME_DIRECTORY").ok()?;
    all.split(':').next().filter(|first| !first.is_empty()).map(PathBuf::from)
}

/// An agent that runs.
pub(super) struct Place {
    pub(super) socket: PathBuf,
    /// Clients' secrets are in it.
    pub(super) directory: PathBuf,
}

impl Place {
    fn at(directory: PathBuf) -> Self {
        Self { socket: directory.join(SOCKET), directory }
    }

    /// Whoever may not look into its directory is told so when he connects.
    fn has_socket(&self) -> bool {
        match self.socket.symlink_metadata() {
            Ok(_) => true,
            Err(error) => error.kind() == ErrorKind::PermissionDenied,
        }
    }
}

/// Where the agent is for an order to it.
pub(super) fn of_order(given: &PlaceArguments) -> Result<Place, Failure> {
    let socket = given.socket.clone();
    let file = given.config_file.as_deref().map(File::read_directory).transpose()?;
    if let Some(directory) = named(given.directory.as_deref(), file.as_ref())? {
        let place = Place::at(directory);
        return Ok(Place { socket: socket.unwrap_or(place.socket), ..place });
    }
    let of_unit = Place { socket: OF_SYSTEMD.into(), directory: OF_ROOT.into() };
    let of_root = Place::at(OF_ROOT.into());
    let mut usual: Vec<_> = of_session().map(Place::at).into_iter().chain([of_root, of_unit]).collect();
    if let Some(socket) = socket {
        let known = usual.into_iter().find(|place| place.socket == socket);
        let directory = socket.parent().unwrap_or(Path::new(".")).to_owned();
        return Ok(known.unwrap_or(Place { socket, directory }));
    }
    let at = usual.iter().position(Place::has_socket).unwrap_or_default();
    Ok(usual.swap_remove(at))
}

pub(super) fn socket(directory: &Path) -> PathBuf {
    directory.join(SOCKET)
}

/// The file of a client's secret, if it has no other.
pub(super) fn secret(directory: &Path, client: &str) -> PathBuf {
    directory.join(format!("{client}.header"))
}
