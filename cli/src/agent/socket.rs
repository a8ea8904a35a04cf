//! What is asked of an agent that runs, over its Unix socket.

use crate::exit_code::{NETWORK, REFUSED};
use crate::failure::{Failure, no_answer};
use crate::unix_connector::UnixConnector;
use crate::until_open::until_open;
use serde_json::Value;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;
use ureq::Agent;
use ureq::unversioned::resolver::DefaultResolver;
use zeroize::Zeroizing;

/// More than an agent makes a request wait if nothing else is said to it.
const TIMEOUT: Duration = Duration::from_secs(60);
/// A token has a few kilobytes, a status with many identities some more.
const MOST_BYTES: u64 = 1024 * 1024;

/// An answer that is none of success.
pub(super) struct Refused {
    pub(super) status: u16,
    /// A word for the error.
    pub(super) code: String,
    pub(super) message: String,
}

/// GETs from the agent.
pub(super) fn get(socket: &Path, path: &str) -> Result<Result<Zeroizing<String>, Refused>, Failure> {
    let config = Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .proxy(None)
        .http_status_as_error(false)
        .max_redirects(0)
        .build();
    let agent = Agent::with_parts(
        config,
        UnixConnector { path: socket.to_owned(), timeout: TIMEOUT },
        DefaultResolver::default(),
    );
    // The address is that of nobody: the connector knows where to go, and no name has to be resolved for it.
    let answer = until_open(|| agent.get(format!("http://127.0.0.1{path}")).call());
    let mut answer = answer.map_err(|error| no_agent(socket, &error))?;
    let text = answer.body_mut().with_config().limit(MOST_BYTES).read_to_string();
    let text = Zeroizing::new(text.map_err(|error| no_agent(socket, &error))?);
    if answer.status().is_success() {
        return Ok(Ok(text));
    }
    let said: Value = serde_json::from_str(&text).unwrap_or_default();
    let word = |name: &str| said["error"][name].as_str().unwrap_or_default().to_owned();
    Ok(Err(Refused { status: answer.status().as_u16(), code: word("code"), message: word("message") }))
}

fn no_agent(socket: &Path, error: &ureq::Error) -> Failure {
    let kind = match error {
        ureq::Error::Io(error) => Some(error.kind()),
        _ => None,
    };
    let (code, what) = match kind {
        Some(ErrorKind::PermissionDenied) => (
            REFUSED,
            "this user may not connect: its group, or --allow-uid and --allow-gid, say who may.".to_owned(),
        ),
        Some(ErrorKind::WouldBlock | ErrorKind::TimedOut) => (
            NETWORK,
            format!(
                "the agent has not answered within {} s: it stands still, or waits for a token for longer (--wait). Its log \
                 says more.",
                TIMEOUT.as_secs()
            ),
        ),
        _ => (
            NETWORK,
            format!(
                "{}. Does an agent run here (entrakey agent run)? --directory and --socket say where else to look.",
                no_answer(error)
            ),
        ),
    };
    Failure::new(code, format!("{}: {what}", socket.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_that_stands_still_is_not_looked_for_elsewhere() {
        let said = |kind: ErrorKind| no_agent(Path::new("/s"), &ureq::Error::Io(kind.into())).to_string();
        assert!(
            said(ErrorKind::WouldBlock).contains("not answered within 60 s"),
            "{}",
            said(ErrorKind::WouldBlock)
        );
        assert!(said(ErrorKind::ConnectionRefused).contains("Does an agent run here"));
    }
}
