//! What is asked of an agent that runs, over its Unix socket.

use crate::exit_code::{NETWORK, REFUSED};
use crate::failure::Failure;
use serde_json::Value;
use std::fmt;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};
use ureq::Agent;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};
use zeroize::Zeroizing;

/// More than an agent makes a request wait if nothing else is said to it.
const TIMEOUT: Duration = Duration::from_secs(60);
/// An agent that was started a moment ago opens its socket within that.
const UNTIL_OPEN: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);
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
    let agent = Agent::with_parts(config, UnixConnector(socket.to_owned()), DefaultResolver::default());
    // The address is that of nobody: the connector knows where to go, and no name has to be resolved for it.
    let answer = agent.get(format!("http://127.0.0.1{path}")).call();
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
    let reason = match error {
        ureq::Error::Io(error) if error.kind() == ErrorKind::PermissionDenied => {
            let what = "this user may not connect: its group, or --allow-uid and --allow-gid, say who may";
            return Failure::new(REFUSED, format!("{}: {what}.", socket.display()));
        }
        ureq::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    };
    Failure::new(
        NETWORK,
        format!(
            "{}: {reason}. Does an agent run here (entrakey agent run)? --directory and --socket say where else to look.",
            socket.display()
        ),
    )
}

/// Connects to one Unix socket, whatever the URL says.
struct UnixConnector(PathBuf);

impl fmt::Debug for UnixConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UnixConnector").field(&self.0).finish()
    }
}

impl Connector<()> for UnixConnector {
    type Out = UnixTransport;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _chained: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let stream = connect(&self.0)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        Ok(Some(UnixTransport { stream, buffers }))
    }
}

/// Waits a moment for an agent that is just being started.
fn connect(socket: &Path) -> std::io::Result<UnixStream> {
    let last = Instant::now() + UNTIL_OPEN;
    loop {
        match UnixStream::connect(socket) {
            Err(error) if is_closed(&error) && Instant::now() < last => sleep(PAUSE),
            outcome => return outcome,
        }
    }
}

fn is_closed(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused)
}

struct UnixTransport {
    stream: UnixStream,
    buffers: LazyBuffers,
}

impl fmt::Debug for UnixTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnixTransport")
    }
}

impl Transport for UnixTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _timeout: NextTimeout) -> Result<(), ureq::Error> {
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        Ok(self.stream.write_all(output)?)
    }

    fn await_input(&mut self, _timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let amount = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        false // one request is all
    }
}
