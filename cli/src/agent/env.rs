//! `entrakey agent env`.

use super::arguments::{EnvArguments, EnvOutput};
use super::file::File;
use super::plan::secret_path;
use super::{place, socket};
use crate::exit_code::{OK, PROBLEM, REFUSED, USAGE};
use crate::failure::Failure;
use crate::shell::quoted;
use crate::terminal::print;
use entrakey_service::{Table, take_text};
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What would make a client take its machine for another hosting environment: Service Fabric, Azure Machine Learning, Cloud
/// Shell, Azure Arc, AKS with pod identities.
const OF_OTHERS: [&str; 5] = [
    "IDENTITY_SERVER_THUMBPRINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
    "IMDS_ENDPOINT",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
];

pub(super) fn run(given: &EnvArguments) -> Result<u8, Failure> {
    let place = place::of_order(&given.place)?;
    let endpoint = endpoint(&place.socket)?;
    let secret = read(&path(given, &place.directory)?, &given.name)?;
    print(written(given.output, &endpoint, &secret).as_str())?;
    Ok(OK)
}

fn endpoint(socket: &Path) -> Result<String, Failure> {
    let status = socket::get(socket, "/v1/status")?;
    let text = status.map_err(|refused| Failure::new(REFUSED, refused.message))?;
    let status: Value = serde_json::from_str(&text)?;
    status["app_service"].as_str().map(str::to_owned).ok_or_else(|| {
        Failure::new(
            PROBLEM,
            "The agent has no App Service's endpoint: it was started with --no-app-service, or systemd opens its sockets and \
             the .socket unit has no ListenStream= for it.",
        )
    })
}

/// Where the client's secret is.
fn path(given: &EnvArguments, directory: &Path) -> Result<PathBuf, Failure> {
    let clients = given.place.config_file.as_deref().map(File::read_clients).transpose()?;
    for mut table in clients.unwrap_or_default() {
        let name = take_text(&mut table, "name").ok().flatten();
        if name.is_some_and(|name| *name == given.name) {
            return secret_path(&mut table, &given.name, directory).map_err(Failure::usage);
        }
    }
    secret_path(&mut Table::new(), &given.name, directory)
        .map_err(|what| Failure::usage(format!("NAME: {what}.")))
}

fn read(path: &Path, name: &str) -> Result<Zeroizing<String>, Failure> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|error| match error.kind() {
        ErrorKind::NotFound => Failure::new(
            USAGE,
            format!(
                "{}: there is no client \"{name}\" with a secret. The agent's file lists them.",
                path.display()
            ),
        ),
        ErrorKind::PermissionDenied => Failure::new(
            REFUSED,
            format!("{} is for the agent's user only: run this as that user, or as root.", path.display()),
        ),
        _ => Failure::new(PROBLEM, format!("{}: {error}.", path.display())),
    })?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}

fn written(output: EnvOutput, endpoint: &str, secret: &str) -> Zeroizing<String> {
    Zeroizing::new(match output {
        EnvOutput::Shell => format!(
            "export IDENTITY_ENDPOINT={}\nexport IDENTITY_HEADER={}\nunset {}\n",
            quoted(endpoint),
            quoted(secret),
            OF_OTHERS.join(" ")
        ),
        EnvOutput::File => format!("IDENTITY_ENDPOINT={endpoint}\nIDENTITY_HEADER={secret}\n"),
        EnvOutput::Json => {
            format!("{:#}\n", json!({"IDENTITY_ENDPOINT": endpoint, "IDENTITY_HEADER": secret}))
        }
    })
}
