//! Azure Arc: the endpoint names a file that only administrators of the machine can read. Whoever sends the file's
//! content gets a token.
//!
//! <https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication>

use super::source::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::grant::Grant;
use crate::transport::{Outgoing, Transport};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Where the agent puts the files. If any folder were taken, whoever answers on the endpoint's port could read every file
/// that this process can.
#[cfg(not(windows))]
const FOLDER: &str = "/var/opt/azcmagent/tokens";
#[cfg(windows)]
const FOLDER: &str = r"C:\ProgramData\AzureConnectedMachineAgent\Tokens";
const EXTENSION: &str = "key";
/// The agent's keys are shorter; Microsoft's libraries draw the line here too.
const MAX_KEY_BYTES: u64 = 4096;

pub(super) struct ArcSource {
    request: Outgoing,
    transport: Transport,
    folder: PathBuf,
}

impl ArcSource {
    pub(super) fn new(request: Outgoing, transport: Transport) -> Self {
        Self { request, transport, folder: PathBuf::from(FOLDER) }
    }
}

impl Source for ArcSource {
    fn fetch(&self, timeout: Duration) -> Result<Grant> {
        let start = Instant::now();
        let Some(challenge) = self.transport.challenge(&self.request, timeout)? else {
            return Err(bad("did not name a key file"));
        };
        let key = read_key(&challenge, &self.folder)?;
        let mut request = self.request.clone();
        // The file's text as it is: RFC 7617 wants base64 here, the agent does not.
        request.headers.push(("Authorization", Zeroizing::new(format!("Basic {}", key.as_str()))));
        let outcome = self.transport.fetch(&request, timeout.saturating_sub(start.elapsed()));
        outcome.map_err(|error| error.hiding(&[&key]))
    }
}

/// The key in the file that `Basic realm=<path>` names, if the file is one that the agent would have made.
fn read_key(challenge: &str, folder: &Path) -> Result<Zeroizing<String>> {
    let realm = challenge.split_once("realm=").map(|(_, path)| path.trim().trim_matches('"'));
    let path = Path::new(realm.ok_or_else(|| bad("did not name a key file"))?);
    if path.parent() != Some(folder) || path.extension().is_none_or(|extension| extension != EXTENSION) {
        return Err(bad("named a file that is not one of the Arc agent's keys"));
    }
    let unreadable = |error: std::io::Error| {
        Error::new(
            ErrorKind::IdentityUnavailable,
            format!(
                "The Azure Arc agent's key file cannot be read: {error}. Add this process's user to the group \
                 himds (on Windows: Hybrid agent extension applications)."
            ),
        )
    };
    // The agent's files are files: whatever else has the name (a link, a pipe) is somebody else's.
    if !std::fs::symlink_metadata(path).map_err(unreadable)?.is_file() {
        return Err(bad("named a file that is not one of the Arc agent's keys"));
    }
    let mut key = Zeroizing::new(String::new());
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_KEY_BYTES + 1).read_to_string(&mut key).map_err(unreadable)?;
    if key.len() as u64 > MAX_KEY_BYTES || key.trim().is_empty() || !key.trim().chars().all(is_printable) {
        return Err(bad("named a file that is not one of the Arc agent's keys"));
    }
    Ok(Zeroizing::new(key.trim().to_owned()))
}

/// Whether a header may hold the character.
fn is_printable(c: char) -> bool {
    c == ' ' || c.is_ascii_graphic()
}

fn bad(what: &str) -> Error {
    let message = format!("The Azure Arc endpoint {what}. Is it the agent (azcmagent) that answers there?");
    Error::new(ErrorKind::BadResponse, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of this test's own, removed at its end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("entrakey-arc-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn challenge(&self, file: &str, content: &str) -> String {
            std::fs::write(self.0.join(file), content).unwrap();
            format!("Basic realm={}", self.0.join(file).display())
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_key_is_what_the_file_says() {
        let folder = Folder::new("good");
        assert_eq!(read_key(&folder.challenge("a.key", "k3y\n"), &folder.0).unwrap().as_str(), "k3y");
    }

    #[test]
    fn only_a_small_key_file_in_the_agents_own_folder_is_read() {
        let folder = Folder::new("bad");
        let refused = |challenge: &str| read_key(challenge, &folder.0).unwrap_err().kind();
        assert_eq!(refused("Basic"), ErrorKind::BadResponse);
        assert_eq!(refused("Basic realm=/etc/passwd.key"), ErrorKind::BadResponse);
        assert_eq!(refused(&folder.challenge("a.txt", "k")), ErrorKind::BadResponse);
        assert_eq!(refused(&folder.challenge("b.key", &"k".repeat(4097))), ErrorKind::BadResponse);
        let up = folder.0.join("../secret.key");
        assert_eq!(refused(&format!("Basic realm={}", up.display())), ErrorKind::BadResponse);
        let missing = format!("Basic realm={}", folder.0.join("none.key").display());
        assert_eq!(refused(&missing), ErrorKind::IdentityUnavailable);
    }

    #[test]
    fn who_can_read_the_file_gets_a_token() {
        use crate::config::{Config, Environment, Settings};
        use crate::transport::Endpoint;
        use std::io::Write as _;
        use std::net::TcpListener;
        use std::sync::Arc;
        let folder = Folder::new("whole");
        let challenge = folder.challenge("a.key", "k3y");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/token", listener.local_addr().unwrap()).parse().unwrap();
        let agent = std::thread::spawn(move || {
            let mut requests = Vec::new();
            let refusal =
                format!("HTTP/1.1 401 No\r\nWWW-Authenticate: {challenge}\r\nContent-Length: 0\r\n\r\n");
            let body = r#"{"access_token":"opaque","expires_in":"3600"}"#;
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            for answer in [refusal, answer] {
                let (mut connection, _) = listener.accept().unwrap();
                let mut request = [0; 4096];
                let length = connection.read(&mut request).unwrap();
                requests.push(String::from_utf8_lossy(&request[..length]).into_owned());
                connection.write_all(answer.as_bytes()).unwrap();
            }
            requests
        });
        let mut config = Config::new();
        config.set("identity", "managed_identity").unwrap();
        config.set("username", "me").unwrap();
        let settings = Arc::new(Settings::resolve(&config, Environment::of([])).unwrap());
        let transport = Transport::new(Endpoint::Arc, settings);
        let request = Outgoing { url, headers: Vec::new(), form: None };
        let source = ArcSource { request, transport, folder: folder.0.clone() };
        assert_eq!(source.fetch(Duration::from_secs(20)).unwrap().secret.as_str(), "opaque");
        let requests = agent.join().unwrap();
        assert!(!requests[0].contains("Basic") && requests[1].contains("Basic k3y"), "{requests:?}");
    }
}
